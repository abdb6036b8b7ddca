"""Requests through the WSGI handler that serves a company, in this process: every middleware, session and permission."""

from __future__ import annotations

import gc
import io
import json
from collections.abc import Callable
from typing import Any

from allauth.usersessions.models import UserSession
from django.core.wsgi import get_wsgi_application
from django.test import Client

from kith.teams.models import User
from kith.teams.services import api_token_create

_application: list[Any] = []


def _handler() -> Any:
    if not _application:
        _application.append(get_wsgi_application())
        gc.collect()
        gc.freeze()  # as the supervisor does before it starts the web processes
    return _application[0]


def _ask(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/json",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **headers,
    }
    told: list[str] = []
    response = _handler()(environ, lambda status, _headers, _info=None: told.append(status))
    content = b"".join(response)
    response.close()
    return int(told[0].split()[0]), content


def get(user: User, path: str, **headers: str) -> Callable[[int], Any]:
    """A page as a signed-in user gets it. `{turn}` in the path becomes the number of the turn."""
    client = Client()
    client.force_login(user)
    UserSession.objects.create(  # as signing in does
        user=user, session_key=client.session.session_key, ip="127.0.0.1", user_agent="bench"
    )
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())

    def call(turn: int) -> None:
        status, body = _ask("GET", path.replace("{turn}", str(turn)), {"HTTP_COOKIE": cookie, **headers})
        if status != 200 or len(body) < 200:
            raise RuntimeError(f"{path} answered {status} with {body[:200]!r}")

    return call


def create(user: User) -> Callable[[int], Any]:
    """A person made through the API, by a token."""
    _, raw = api_token_create(user=user, name="bench", permissions=("people:write",))
    headers = {"HTTP_AUTHORIZATION": f"Bearer {raw}"}

    def call(turn: int) -> None:
        body = json.dumps({"name": f"Nora Newcomer {turn}", "city": "Bonn"}).encode()
        status, answer = _ask("POST", "/api/v1/people", headers, body)
        if status != 201:
            raise RuntimeError(f"creating a person answered {status} with {answer[:200]!r}")

    return call
