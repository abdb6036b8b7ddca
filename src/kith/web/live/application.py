"""The ASGI side: cookies and origins in, streams out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from http.cookies import CookieError, SimpleCookie
from typing import Any, ParamSpec, TypeVar

from django.conf import settings

from kith.web.live import lookups
from kith.web.live.address import origin_is_ours
from kith.web.live.hub import Hub, Reader

log = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
P = ParamSpec("P")
T = TypeVar("T")

HEARTBEAT = 20.0
RECHECK = 30.0
MOST_READERS, MOST_OF_ONE = 2000, 20
VISITOR_HEADER = "x-kith-visitor"
STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class Live:
    """One per process: its hub, a few threads for the database, and the look at who may still listen."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="live-db")
        self.hub = Hub(self._threads_of)
        self._checker: asyncio.Task[None] | None = None

    async def _ask(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))

    async def _threads_of(self, conversation_ids: list[str], keys: list[str]) -> set[str]:
        return await self._ask(lookups.threads_touched, conversation_ids, keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        path, method = scope["path"], scope["method"]
        try:
            if path == "/live/events" and method == "GET":
                await self._events(headers, receive, send)
            elif path == "/live/health" and method == "GET":
                await _plain(send, 200 if self.hub.listening.is_set() else 503, "")
            elif path.startswith("/live/chat/") and method in ("GET", "OPTIONS"):
                await self._chat(path.removeprefix("/live/chat/"), method, headers, receive, send)
            else:
                await _plain(send, 404, "There is nothing here.")
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a live request failed")
            with contextlib.suppress(Exception):
                await _plain(send, 503, "Not now.")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _start(self) -> None:
        self.hub.start()
        if self._checker is None or self._checker.done():
            self._checker = asyncio.create_task(self._check_forever(), name="live-check")

    async def close(self) -> None:
        for reader in self.hub.readers:
            reader.ended.set()
        if self._checker is not None:
            self._checker.cancel()
        await self.hub.stop()

    # --- colleagues -------------------------------------------------------------------------------------------------

    async def _events(self, headers: dict[str, str], receive: Receive, send: Send) -> None:
        origin, cors = headers.get("origin", ""), []
        if origin:
            if not origin_is_ours(origin, headers.get("host", ""), await self._ask(lookups.public_origin)):
                await _plain(send, 403, "Another site may not read this.")
                return
            cors = [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-allow-credentials", b"true"),
                (b"vary", b"Origin"),
            ]
        elif headers.get("sec-fetch-site", "same-origin") == "cross-site":
            await _plain(send, 403, "Another site may not read this.")
            return
        key = _session_key(headers.get("cookie", ""))
        known = await self._ask(lookups.session_known, key) if key else None
        if known is None:
            await _plain(send, 401, "Sign in.", cors)
            return
        self._start()
        mine = [r for r in self.hub.readers if r.session_key == key]
        if len(mine) >= MOST_OF_ONE or len(self.hub.readers) >= MOST_READERS:
            await _plain(send, 503, "Too many open screens.", cors)
            return
        reader = Reader(user_id=known.user_id, scopes=known.scopes, session_key=key)
        await self._stream(reader, headers.get("last-event-id", ""), [*STREAM, *cors], receive, send)

    # --- visitors ---------------------------------------------------------------------------------------------------

    async def _chat(
        self, account: str, method: str, headers: dict[str, str], receive: Receive, send: Send
    ) -> None:
        try:
            account = str(uuid.UUID(account))
        except ValueError:
            await _plain(send, 404, "There is nothing here.")
            return
        origin = headers.get("origin", "")
        allowed = origin in await self._ask(lookups.origins_for, account) or origin_is_ours(
            origin, headers.get("host", ""), await self._ask(lookups.public_origin)
        )
        if not allowed:
            await _plain(send, 403, "This site may not show this chat.")
            return
        cors = [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]
        if method == "OPTIONS":
            cors += [
                (b"access-control-allow-headers", f"{VISITOR_HEADER}, last-event-id".encode()),
                (b"access-control-allow-methods", b"GET"),
                (b"access-control-max-age", b"600"),
            ]
            await _plain(send, 204, "", cors)
            return
        known = await self._ask(lookups.visitor_known, account, headers.get(VISITOR_HEADER, ""))
        if known is None:
            await _plain(send, 404, "Nobody wrote from here yet.", cors)
            return
        self._start()
        mine = [r for r in self.hub.readers if r.thread_key == known.thread_key]
        if len(mine) >= MOST_OF_ONE or len(self.hub.readers) >= MOST_READERS:
            await _plain(send, 503, "Too many open windows.", cors)
            return
        reader = Reader(thread_key=known.thread_key, account_id=account)
        await self._stream(reader, headers.get("last-event-id", ""), [*STREAM, *cors], receive, send)

    # --- both -------------------------------------------------------------------------------------------------------

    async def _stream(
        self, reader: Reader, last_mark: str, headers: list[tuple[bytes, bytes]], receive: Receive, send: Send
    ) -> None:
        opening = f"retry: 3000\nid: {self.hub.mark()}\n: open\n\n"
        self.hub.join(reader, last_mark)  # before the first await, so that nothing falls between
        tasks = [
            asyncio.create_task(_until_gone(receive)),
            asyncio.create_task(reader.ended.wait()),
            asyncio.create_task(_write(reader, send, headers, opening)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.hub.readers.discard(reader)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2.0):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _check_forever(self) -> None:
        """End the streams of sessions that ended, and follow what their users may see."""
        while True:
            await asyncio.sleep(RECHECK)
            try:
                await self.check()
            except Exception:
                log.exception("live sessions could not be looked at")

    async def check(self) -> None:
        for key in {r.session_key for r in self.hub.readers if r.session_key}:
            known = await self._ask(lookups.session_known, key)
            for reader in [r for r in self.hub.readers if r.session_key == key]:
                if known is None or known.user_id != reader.user_id:
                    reader.ended.set()
                else:
                    reader.scopes = known.scopes


async def _write(reader: Reader, send: Send, headers: list[tuple[bytes, bytes]], opening: str) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send(_chunk(opening))
    while True:
        try:
            text = await asyncio.wait_for(reader.queue.get(), HEARTBEAT)
        except TimeoutError:
            text = ": still here\n\n"
        await send(_chunk(text))


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _chunk(text: str) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text.encode(), "more_body": True}


async def _plain(
    send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    start = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        *(headers or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": text.encode(), "more_body": False})


def _session_key(cookie: str) -> str:
    try:
        found = SimpleCookie(cookie).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return found.value if found else ""


application = Live()
