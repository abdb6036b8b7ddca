"""Calls of connectors, held to a time and to words that a person may read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from kith.base.text import clean
from kith.connectors.contract import OutcomeUnknown
from kith.connectors.words import say
from kith.core.logs import hide
from kith.networks.models import ChannelAccount

R = TypeVar("R")


def words_of(error: BaseException, account: ChannelAccount | None = None) -> str:
    """What an error says, in at most 1,000 characters, without the account's secrets. Never raises."""
    return words_without(error, (account.secrets or {}).values() if account is not None else ())


def words_without(error: BaseException, secrets: Iterable[str]) -> str:
    """`words_of` where there is no account (yet). What a server echoes of our request is in an error's words, too."""
    try:
        said = clean(str(error)).strip()[:20_000]
    except Exception:  # noqa: BLE001  (an error that has no words, or whose words are an error)
        said = ""
    return (hide(said, secrets) or type(error).__name__)[:1000]


def call_within(seconds: float, call: Callable[[], R]) -> R:
    """What `call` returns or raises. Raises OutcomeUnknown when it takes longer; its thread is then left to itself.

    What is no Exception (SystemExit, KeyboardInterrupt) is raised as RuntimeError: a connector ends no process of ours.
    `call` must not use the database: its thread has a connection of its own.
    """
    done: list[R] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            done.append(call())
        except BaseException as error:  # noqa: BLE001  (raised again where it was called)
            raised.append(error)

    thread = threading.Thread(target=run, name=f"{threading.current_thread().name}-call", daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        error = raised[0]
        if isinstance(error, Exception):
            raise error
        raise RuntimeError(f"the connector raised {type(error).__name__}") from error
    if not done:
        raise OutcomeUnknown(say("There was no answer within {seconds} seconds.", seconds=f"{seconds:.0f}"))
    return done[0]
