"""A real isso (comments for blogs) as a process of its own on loopback, with its Atom feed switched on."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PAGE = "/a-quiet-bell"


class Isso:
    """`comment` and `edit` act as readers of the blog; `feed_url` is the Atom feed of one page's comments."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "isso.cfg"
        config.write_text(
            f"""[general]
dbpath = {folder}/comments.db
host = http://blog.example/
[server]
listen = {self.url}
[rss]
base = http://blog.example
[guard]
enabled = true
ratelimit = 1000
direct-reply = 1000
reply-to-self = true
"""
        )
        self._log = (folder / "isso.log").open("wb")
        command = [sys.executable, "-c", "from isso import main; main()", "-c", str(config), "run"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        self._process = subprocess.Popen(
            command, stdout=self._log, stderr=subprocess.STDOUT, cwd=folder, env=environment
        )
        self._cookies: dict[int, str] = {}

    @property
    def feed_url(self) -> str:
        return f"{self.url}/feed?uri={PAGE}"

    def wait(self) -> None:
        for _ in range(150):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("isso did not start")

    def comment(
        self, text: str, *, author: str = "", email: str = "", website: str = "", parent: int = 0
    ) -> int:
        """Leave a comment; its number."""
        body: dict[str, Any] = {
            "text": text,
            "author": author,
            "email": email,
            "website": website,
            "title": "Bell",
        }
        if parent:
            body["parent"] = parent
        made, cookie = self._ask("POST", f"/new?uri={PAGE}", body)
        self._cookies[made["id"]] = cookie
        return int(made["id"])

    def edit(self, number: int, text: str) -> None:
        self._ask("PUT", f"/id/{number}", {"text": text}, self._cookies[number])

    def _ask(
        self, method: str, path: str, body: dict[str, Any], cookie: str = ""
    ) -> tuple[dict[str, Any], str]:
        headers = {"Content-Type": "application/json", "Origin": "http://blog.example", "Cookie": cookie}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read()), (answer.headers.get("Set-Cookie") or "").split(";")[0]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"isso answers {error.code}: {error.read()[:300]!r}") from error

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


@contextmanager
def isso_server(folder: Path) -> Iterator[Isso]:
    """Run isso for the body of a `with`; skipped with the reason where it is not installed."""
    if importlib.util.find_spec("isso") is None:
        pytest.skip("isso is not installed")
    server = Isso(folder)
    try:
        server.wait()
        yield server
    finally:
        server.stop()
