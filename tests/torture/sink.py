"""An SMTP server that takes its time, and notes the Message-ID of every mail that it has taken."""

from __future__ import annotations

import asyncio
import queue
import random
import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from tests.support.mailservers import free_port

_ID = re.compile(rb"(?im)^message-id:\s*<([^>]+)>")
MOMENTS = ("addressed", "written", "taken", "told")


@dataclass
class Held:
    """A mail that waits in the middle of being sent, at one of the MOMENTS, until `go` is called.

    `port` is the sender's end of its connection. Written is not yet taken; taken is final, but the sender has not been
    told; told means that it has been, and says goodbye.
    """

    moment: str
    port: int
    _loop: asyncio.AbstractEventLoop
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def go(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)

    async def wait(self) -> None:
        await self._over.wait()


class Sink:
    """`slow`: the longest pause, in seconds, before and after a mail is taken. `stops`: which of the moments of all mails,
    counted from 0, wait in `held` until they are let go.
    """

    def __init__(self, slow: float, stops: Iterable[int] = ()) -> None:
        self.slow, self.taken, self.lock = slow, Counter[str](), threading.Lock()
        self.held: queue.Queue[Held] = queue.Queue()
        self._stops, self._moments, self._closing = set(stops), 0, False
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), ready_timeout=20)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def __enter__(self) -> Sink:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def _moment(self, name: str, session: Any) -> None:
        number, self._moments = self._moments, self._moments + 1
        if number in self._stops:
            held = Held(name, int(session.peer[1]), asyncio.get_running_loop())
            self.held.put(held)
            await held.wait()

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:
        await asyncio.sleep(random.uniform(0, self.slow))
        await self._moment("addressed", session)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        await self._moment("written", session)
        found = _ID.search(envelope.content)
        with self.lock:
            self.taken[found.group(1).decode() if found else "none"] += 1
        await self._moment("taken", session)
        await asyncio.sleep(random.uniform(0, self.slow))
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, session: Any, envelope: Any) -> str:
        await self._moment("told", session)
        return "221 Bye"
