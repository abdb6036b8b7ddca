"""The kinds of harm, each as what a connector may return or raise."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

from kith.connectors.contract import (
    Event,
    FollowReceived,
    Ignored,
    Media,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Page,
    Party,
    RawItem,
    ReactionReceived,
)

AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
HUGE = 10 * 1024 * 1024
BAD_TEXT = "a\x00b \ud800 c\udfff \u202e evil \x1b[31m \r\n\u2028 \ufffe " + "e" + "\u0301" * 5000


class Unnamed(Exception):
    """Nothing in the contract has this name; even its text can't be had."""

    def __str__(self) -> str:
        raise RuntimeError("no words for this")

    __repr__ = __str__


def item(number: int, **rest: Any) -> RawItem:
    body = {"number": number, **rest}
    return RawItem(f"hostile:{number}", json.dumps(body).encode(), at=AT, meta={})


def message(number: int, **rest: Any) -> MessageReceived:
    said: dict[str, Any] = {
        "external_id": f"hostile:{number}",
        "at": AT,
        "parties": (Party("somebody", "@somebody", "Somebody"),),
        "text": f"message {number}",
        "own_thread_key": "hostile",
        "thread_keys": ("hostile",),
    }
    return MessageReceived(**{**said, **rest})


def leave_the_process(mode: str) -> NoReturn:
    """Never comes back: by leaving, by being killed, or by waiting for ever."""
    if mode == "exits":
        os._exit(13)
    if mode == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()
    raise AssertionError("waited for ever")


def swallow_memory() -> NoReturn:
    """Until there is none, or a limit says stop."""
    held: list[bytearray] = []
    while True:
        held.append(bytearray(b"x") * HUGE)
        if len(held) > 400:  # 4 GB: whoever set no limit learns it by a failing test, not by a dead machine
            raise MemoryError("nobody stopped me")


def wrong_types(call: str) -> Any:
    """Something else than the contract says, different for each call."""
    return {
        "check": {"external_id": 7},
        "fetch": Page(items=[None, "item", RawItem(7, "text", "yesterday")], cursor=None),  # type: ignore[arg-type]
        "parse": [None, 7, "event", {"kind": "message_received"}, MessageReceived(7, "now", "nobody", None)],  # type: ignore[arg-type]
        "send": "sent",
        "find_sent": True,
        "edit": None,
        "wait": "perhaps",
        "items": [None, b"item"],
        "challenge": "welcome",
    }.get(call)


def events(mode: str, number: int, secret: str) -> list[Event]:
    """What `parse` makes of item `number`."""
    match mode:
        case "same id":
            return [message(0, text=f"other content {number}")]
        case "impossible times":
            times = (
                datetime.min,  # noqa: DTZ901  (wrong on purpose)
                datetime.max,  # noqa: DTZ901  (wrong on purpose)
                datetime.min.replace(tzinfo=UTC),
                datetime.max.replace(tzinfo=UTC),
            )
            return [message(number * 10 + i, at=at) for i, at in enumerate(times)]
        case "naive times":
            return [message(number, at=datetime(2026, 3, 1, 9, 0))]  # noqa: DTZ001  (wrong on purpose)
        case "bad text":
            party = Party("x\x00\ud800", BAD_TEXT, BAD_TEXT, avatar_url="javascript:alert(1)")
            media = Media(
                "../../etc/pass\x00wd\ud800",
                "text/html\r\nX: y",
                path="/etc/passwd",
                url="file:///etc/passwd",
            )
            return [
                message(
                    number, text=BAD_TEXT, subject=BAD_TEXT, html=BAD_TEXT, parties=(party,), media=(media,)
                ),
                message(number + 1000, extra={"a": BAD_TEXT, "b": {1, 2}}),
            ]
        case "huge names":
            name = "N" * HUGE
            return [message(number, parties=(Party(name, name, name),), subject=name, own_thread_key=name)]
        case "gigantic item":
            return [message(number, text="g" * HUGE)]
        case "event storm":
            return list(_storm(number))
        case "leaks secrets":
            return [message(number, text=f"Authorization: Bearer {secret}")]
    return [message(number)]


def _storm(number: int) -> Iterator[Event]:
    """Events about what nobody knows, by nobody, over and over."""
    nobody = Party("")
    for i in range(5000):
        name = f"hostile:{number}:{i % 7}"
        yield MessageDeleted(name, AT)
        yield MessageEdited(f"unknown:{i}", AT, "edited")
        yield ReactionReceived(name, AT, nobody, on=f"unknown:{i}", reaction="👍" * 100)
        yield FollowReceived(name, AT, nobody)
        yield Ignored(name, AT, "w" * 1000)


def deep_json() -> bytes:
    return b"[" * 200_000 + b"]" * 200_000


def raise_something(call: str, secret: str) -> NoReturn:
    raise {
        "fetch": RecursionError("too deep"),
        "parse": Unnamed(),
        "send": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "not text"),
        "check": KeyError("settings"),
        "verify": ZeroDivisionError(),
        "stream": OSError(28, "No space left on device"),
    }.get(call, ValueError(f"wrong, and here is the secret: {secret}"))


def raise_base(call: str) -> NoReturn:
    """What is no Exception: a loop that only catches Exception is left by it."""
    if call == "parse":
        raise KeyboardInterrupt
    if call == "fetch":
        sys.exit(3)
    raise GeneratorExit
