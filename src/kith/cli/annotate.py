"""`kith annotate`: the models as a filter, so that they can be tried and measured alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from kith.cli.prepare import CommandError

CHUNK = 1 << 18


class TierName(StrEnum):
    fast = "fast"
    best = "best"


def register(app: typer.Typer) -> None:
    app.command()(annotate)


def annotate(
    tier: Annotated[
        TierName,
        typer.Option(help="fast: tens of microseconds a text; best: milliseconds, and more often right."),
    ] = TierName.best,
) -> None:
    """Label texts: {"id", "text"} lines in; language, sentiment, emotion, intents, aspects and urgency out, in the same order."""
    from kith.nlp.wire import answers, batches

    unread = 0
    for lines in batches(_chunks()):
        found = answers(lines, tier=tier.value)
        unread += sum("error" in one for one in found)
        sys.stdout.buffer.write(b"".join(_line(one) for one in found))
        sys.stdout.buffer.flush()
    if unread:
        raise CommandError(
            f'{unread} line{"" if unread == 1 else "s"} could not be read; what is wrong stands in "error" where the answer would be.'
        )


def _chunks() -> Iterator[bytes]:
    while chunk := os.read(sys.stdin.fileno(), CHUNK):
        yield chunk


def _line(answer: dict[str, object]) -> bytes:
    try:
        return json.dumps(answer, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half a character, which UTF-8 can't hold and JSON can
        return json.dumps(answer).encode() + b"\n"
