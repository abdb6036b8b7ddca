"""A server on loopback that misbehaves on purpose, and one that serves what it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

Fault = Literal["timeout", "unauthorized", "rate_limited", "server_error", "html", "truncated", "dropped"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
RETRY_AFTER = 37


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the server saw it; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` may be bytes, or anything that JSON can say."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Respond = Callable[[Asked], Answer | Fault]


def _as_bytes(body: Any) -> tuple[bytes, str]:
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    return json.dumps(body).encode(), "application/json"


class FaultServer:
    """`address` is its URL, `asked` what it was asked. Answers are those of `respond`, or a named fault."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.asked: list[Asked] = []
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                outer._serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815  (the library's names)

            def log_message(self, *args: Any) -> None:  # the test output is no access log
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> FaultServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(handler.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        self.asked.append(asked)
        answer = self.respond(asked)
        try:
            if isinstance(answer, Answer):
                self._write(handler, answer)
            else:
                self._misbehave(handler, answer)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True

    def _write(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        body, content_type = _as_bytes(answer.body)
        handler.send_response(answer.status)
        for name, value in {"Content-Type": content_type, **answer.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def _misbehave(self, handler: BaseHTTPRequestHandler, fault: Fault) -> None:
        if fault == "timeout":
            self._closing.wait(30)
            handler.close_connection = True
        elif fault == "dropped":
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "unauthorized":
            self._write(handler, Answer({"error": "The access token is invalid"}, 401))
        elif fault == "rate_limited":
            self._write(handler, Answer({"error": "slow down"}, 429, {"Retry-After": str(RETRY_AFTER)}))
        elif fault == "server_error":
            self._write(handler, Answer(b"<h1>It broke</h1>", 500, {"Content-Type": "text/html"}))
        elif fault == "html":
            page = b"<!doctype html><title>Sign in to the hotel's network</title>"
            self._write(handler, Answer(page, 200, {"Content-Type": "text/html"}))
        else:
            page = b'[{"id": "1", "text": "cut o'
            self._write(handler, Answer(page, 200, {"Content-Type": "application/json"}))


@contextmanager
def serving(respond: Respond) -> Iterator[FaultServer]:
    """A server for the body of a `with`: `respond` gets each request and returns an Answer or the name of a fault."""
    with FaultServer(respond) as server:
        yield server


def always(fault: Fault, healthy: Mapping[str, Any] | None = None) -> Respond:
    """Every request fails in one way, but for the paths in `healthy`, which are answered with their JSON."""
    good = dict(healthy or {})

    def respond(asked: Asked) -> Answer | Fault:
        for key in (f"{asked.method} {asked.path}", asked.path):
            if key in good:
                found = good[key]
                return found if isinstance(found, Answer) else Answer(found)
        return fault

    return respond
