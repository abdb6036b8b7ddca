"""What is being done while somebody waits for a far server, step by step; and stopping it.

The request that waits writes its steps where another one of the same user reads them (`Run`, named by the browser). Code
below says what it does by `tell`, wherever it runs; without somebody who waits that is nothing. Steps are written outside
of any transaction, so that they are seen at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.core.cache import cache

KEPT = 600  # seconds
MOST = 60


class Stopped(Exception):
    """Whoever waited does not want it any more."""


@dataclass(slots=True)
class Step:
    """`text`: what is done, as a connector says it. `why`: what went wrong with it, in the words of who waits."""

    text: str
    why: str = ""


@dataclass(slots=True)
class Run:
    """One wait of one user."""

    user_id: uuid.UUID
    id: uuid.UUID
    steps: list[Step] = field(default_factory=list)

    @property
    def _key(self) -> str:
        return f"run:{self.user_id}:{self.id}"

    def tell(self, sentence: str) -> None:
        """The next step; the one before is done. Raises Stopped."""
        if cache.get(f"{self._key}:end") == "stopped":
            raise Stopped
        if self.steps and self.steps[-1].text == sentence and not self.steps[-1].why:
            return
        self.steps = [*self.steps, Step(sentence)][-MOST:]
        self._write()

    def failed(self, why: str) -> None:
        """What is done now did not work, and something else will be tried."""
        if self.steps:
            self.steps[-1].why = why
            self._write()

    def _write(self) -> None:
        cache.set(self._key, [(step.text, step.why) for step in self.steps], KEPT)

    def settle(self) -> None:
        """From now on it can't be stopped any more. Raises Stopped: it was."""
        if not cache.add(f"{self._key}:end", "settled", KEPT) and (
            cache.get(f"{self._key}:end") == "stopped"
        ):
            raise Stopped

    def stop(self) -> bool:
        """Called by another request. False: too late, it is done or about to be."""
        mine = cache.add(f"{self._key}:end", "stopped", KEPT)
        return bool(mine or cache.get(f"{self._key}:end") == "stopped")

    def read(self) -> list[Step]:
        return [Step(text, why) for text, why in cache.get(self._key) or ()]


_current: ContextVar[Run | None] = ContextVar("run", default=None)


@contextmanager
def waiting(run: Run | None) -> Iterator[None]:
    """Inside, `tell` tells this run."""
    token = _current.set(run)
    try:
        yield
    finally:
        _current.reset(token)


def tell(sentence: str) -> None:
    """What is done next, for who waits for it. Raises Stopped when nobody does any more."""
    if (run := _current.get()) is not None:
        run.tell(sentence)


def failed(why: str) -> None:
    if (run := _current.get()) is not None:
        run.failed(why)


def settle() -> None:
    """Before what can't be taken back. Raises Stopped."""
    if (run := _current.get()) is not None:
        run.settle()
