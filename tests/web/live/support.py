"""Drives the live application without a server: one stream, read event by event."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.conf import settings


class Stream:
    """One request to the application. `await stream.next()` gives the data of the next event."""

    def __init__(self, app: Any, path: str, method: str = "GET", **headers: str) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self.ended = asyncio.Event()
        self._gone = asyncio.Event()
        self._changed = asyncio.Condition()
        self._read = 0
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
        }
        self.task = asyncio.create_task(self._run(app, scope))

    async def _run(self, app: Any, scope: dict[str, Any]) -> None:
        await app(scope, self._receive, self._send)
        self.ended.set()
        async with self._changed:
            self._changed.notify_all()

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.text += message["body"].decode()
        async with self._changed:
            self._changed.notify_all()

    async def opened(self) -> int:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: bool(self.status))
        return self.status

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line[6:]) for line in self.text.splitlines() if line.startswith("data: ")]

    def marks(self) -> list[str]:
        return [line[4:] for line in self.text.splitlines() if line.startswith("id: ")]

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.events()) > self._read)
        self._read += 1
        return self.events()[self._read - 1]

    async def leave(self) -> None:
        self._gone.set()
        await self.task


def cookie_of(user: Any) -> str:
    from django.test import Client

    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
