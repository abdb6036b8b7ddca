"""Hears PostgreSQL's notices over one connection a process, and hands them to the readers who may know."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection as django_connection

from kith.core.live import CHANNEL

log = logging.getLogger(__name__)
WAITING = 64  # news that a reader may leave unread before it is dropped
REMEMBERED = 500  # news kept for readers that come back
ALIVE = 15.0  # seconds between looks at whether PostgreSQL is still there
EVERYTHING = {"kind": "*"}


@dataclass(frozen=True, slots=True)
class News:
    """One notice. `pairs` are (conversation, scope); `users` are those it is for."""

    number: int
    kind: str
    pairs: tuple[tuple[str, str], ...] = ()
    users: frozenset[str] = frozenset()


@dataclass(eq=False, slots=True)
class Reader:
    """One open stream. `user_id` "" is a chat's visitor, who hears only of `thread_key`."""

    user_id: str = ""
    scopes: frozenset[str] = frozenset()
    session_key: str = ""
    thread_key: str = ""
    account_id: str = ""
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(WAITING))
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, text: str) -> None:
        """Queue one event; a reader that does not read is let go, and comes back by itself."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.ended.set()

    def wants(self, news: News) -> dict[str, Any] | None:
        """What this reader may know of a piece of news; None for nothing."""
        if not self.user_id:
            return None
        if news.kind == "*":
            return EVERYTHING
        if news.users:
            return {"kind": news.kind} if self.user_id in news.users else None
        ids = list(dict.fromkeys(c for c, scope in news.pairs if scope in self.scopes))
        return {"kind": news.kind, "ids": ids} if ids else None


def event(data: dict[str, Any], mark: str = "") -> str:
    return f"{f'id: {mark}' + chr(10) if mark else ''}data: {json.dumps(data, separators=(',', ':'))}\n\n"


def understand(number: int, payload: str) -> News | None:
    """A notice's payload (see `kith.core.live`), or None for one that is none of ours."""
    try:
        said = json.loads(payload)
        if isinstance(said, list):
            return News(number, "inbox", tuple((str(c), str(s)) for c, s in said))
        kind = str(said["kind"])[:40]
        if said.get("users"):
            return News(number, kind, users=frozenset(str(u) for u in said["users"]))
        return News(number, kind, tuple((str(c), str(s)) for c, s in said.get("pairs", ())))
    except (ValueError, TypeError, KeyError, AttributeError):
        log.warning("a notice on %s could not be read", CHANNEL)
        return None


class Hub:
    """The readers of this process, and what they were told last."""

    def __init__(self, threads_of: Callable[[list[str], list[str]], Awaitable[set[str]]]) -> None:
        self.readers: set[Reader] = set()
        self._threads_of = threads_of
        self._epoch = uuid.uuid4().hex[:12]
        self._number = 0
        self._past: deque[News] = deque(maxlen=REMEMBERED)
        self._task: asyncio.Task[None] | None = None
        self._process = 0
        self.listening = asyncio.Event()

    def start(self) -> None:
        """Begin to listen, once a process (a fork has no task of its parent's)."""
        if self._task is None or self._task.done() or self._process != os.getpid():
            self._process = os.getpid()
            self._task = asyncio.create_task(self._listen(), name="live-listen")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def mark(self, number: int | None = None) -> str:
        return f"{self._epoch}-{self._number if number is None else number}"

    def join(self, reader: Reader, last_mark: str) -> None:
        """Add a reader, first telling what it missed since `last_mark`; if that is not known, to ask for everything."""
        if last_mark and reader.user_id:
            for data, mark in self._missed(reader, last_mark):
                reader.put(event(data, mark))
        elif last_mark:
            reader.put(event({"kind": "messages"}))
        self.readers.add(reader)

    def _missed(self, reader: Reader, last_mark: str) -> Iterable[tuple[dict[str, Any], str]]:
        epoch, _, text = last_mark.partition("-")
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 15 else -1
        oldest = self._past[0].number if self._past else self._number + 1
        if epoch != self._epoch or number + 1 < oldest or number > self._number:
            return [(EVERYTHING, self.mark())]
        found = ((reader.wants(n), n) for n in self._past if n.number > number)
        return [(data, self.mark(n.number)) for data, n in found if data is not None]

    async def tell(self, payload: str) -> None:
        news = understand(self._number + 1, payload)
        if news is not None:
            await self._tell(news)

    async def _tell(self, news: News) -> None:
        self._number = news.number
        self._past.append(news)
        for reader in self.readers:
            data = reader.wants(news)
            if data is not None:
                reader.put(event(data, self.mark(news.number)))
        visitors = [r for r in self.readers if r.thread_key]
        if visitors and news.kind == "*":
            touched = {r.thread_key for r in visitors}
        elif visitors and news.pairs and news.kind == "inbox":
            touched = await self._threads_of(
                [c for c, _ in news.pairs], list({r.thread_key for r in visitors})
            )
        else:
            return
        for reader in visitors:
            if reader.thread_key in touched:
                reader.put(event({"kind": "messages"}, self.mark(news.number)))

    async def _listen(self) -> None:
        """Listen for ever; when listening begins, and begins again, everybody is asked to look at everything again."""
        lost, pause = True, 0.2
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **_parameters(), autocommit=True
                ) as database:
                    await database.execute(f"LISTEN {CHANNEL}")
                    if lost:
                        await self._tell(News(self._number + 1, "*"))
                    lost, pause = False, 0.2
                    self.listening.set()
                    while True:
                        async for notice in database.notifies(timeout=ALIVE):
                            await self.tell(notice.payload)
                        async with asyncio.timeout(ALIVE):
                            await database.execute("SELECT 1")
            except (psycopg.Error, OSError, TimeoutError) as error:
                log.warning("live events have no database: %s", error)
            except Exception:
                log.exception("live events stumbled")
            self.listening.clear()
            lost = True
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


def _parameters() -> dict[str, Any]:
    """psycopg's parameters of Django's database, at the time of the call."""
    given = django_connection.settings_dict
    wanted = {
        "host": given["HOST"],
        "port": given["PORT"],
        "user": given["USER"],
        "password": given["PASSWORD"],
        "dbname": given["NAME"],
        "connect_timeout": 5,
    }
    options = {
        k: v
        for k, v in given.get("OPTIONS", {}).items()
        if k not in ("pool", "isolation_level", "server_side_binding", "assume_role")
    }
    return {k: v for k, v in {**wanted, **options}.items() if v not in ("", None)}
