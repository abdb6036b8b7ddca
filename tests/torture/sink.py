"""An SMTP server that takes its time, and notes the Message-ID of every mail that it has taken."""

from __future__ import annotations

import asyncio
import random
import re
import threading
from collections import Counter
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from tests.support.mailservers import free_port

_ID = re.compile(rb"(?im)^message-id:\s*<([^>]+)>")


class Sink:
    """`slow`: the longest pause, in seconds, before and after a mail is taken. Taking it is final."""

    def __init__(self, slow: float) -> None:
        self.slow, self.taken, self.lock = slow, Counter[str](), threading.Lock()
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), ready_timeout=20)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def __enter__(self) -> Sink:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:
        await asyncio.sleep(random.uniform(0, self.slow))
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        await asyncio.sleep(random.uniform(0, self.slow))
        found = _ID.search(envelope.content)
        with self.lock:
            self.taken[found.group(1).decode() if found else "none"] += 1
        await asyncio.sleep(random.uniform(0, self.slow))
        return "250 taken"
