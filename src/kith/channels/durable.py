"""Writing down what can't be asked for again: a database that is away for a moment is waited for."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
COMMIT_SECONDS = 60.0
PAUSE = 0.5


class SessionEnded(Exception):
    """It is stored, by another session than the one that began; what that one held (locks, claims) is free."""


def stored(write: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> tuple[R, bool]:
    """What `write`, one transaction that may be repeated, returns, and whether it took another session to write it.

    Raises what the database raises when it stays away for a minute, or when the transaction is the caller's.
    """
    until, other = time.monotonic() + COMMIT_SECONDS, False
    while True:
        try:
            return write(*args, **kwargs), other
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() > until:
                raise
            log.warning("%s waits for the database: %s", getattr(write, "__name__", "a write"), error)
            connection.close()
            other = True
            time.sleep(PAUSE)


def waits_for_database(write: Callable[P, None]) -> Callable[P, None]:
    """Makes a write wait for the database; raises SessionEnded once it is stored by another session."""

    @functools.wraps(write)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        _, other = stored(write, *args, **kwargs)
        if other:
            raise SessionEnded(f"{write.__name__} was stored when the database was back")

    return wrapped
