"""One clock. Code asks `now()`, tests stop it with `frozen`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_frozen: ContextVar[datetime | None] = ContextVar("kith_frozen_clock", default=None)


def now() -> datetime:
    """The time, aware, in UTC."""
    return _frozen.get() or datetime.now(tz=UTC)


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Stop the clock at `at` (aware) for the body of a `with`."""
    token = _frozen.set(at)
    try:
        yield
    finally:
        _frozen.reset(token)
