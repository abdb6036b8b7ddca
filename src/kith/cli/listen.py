"""`kith listen`: all monitors over a stream of posts, as a filter."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from kith.cli.prepare import CommandError

CHUNK = 1 << 18


def register(app: typer.Typer) -> None:
    app.command()(listen)


def listen(
    monitors: Annotated[
        Path, typer.Option(help="A file (TOML) with a [[monitor]] for each query: name and query.")
    ],
) -> None:
    """Find monitors' posts: {"id", "text", ...} lines in, one {"id", "monitor", "matched"} line for each match out, in order."""
    from kith.queries import Matcher, wire
    from kith.queries.monitors import MonitorsError, load

    try:
        queries = load(monitors.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{monitors} can't be read: {error}") from error
    except MonitorsError as error:
        raise CommandError(f"{monitors}: {error}") from error
    matcher = Matcher(_labels if any(one.asks_meaning for one in queries.values()) else None)
    for name, query in queries.items():
        matcher.add(name, query)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads may have seen enough, as `head` has
    unread = 0
    for lines in wire.numbered(_chunks()):
        posts = []
        for number, line in lines:
            try:
                posts.append(wire.post(line))
            except wire.LineError as error:
                unread += 1
                sys.stderr.write(f"kith: line {number}: {error}\n")
        out = [wire.found(posts[index], name, spans) for index, name, spans in matcher.match(posts)]
        if out:
            sys.stdout.buffer.write(b"".join(out))
            sys.stdout.buffer.flush()
    if unread:
        raise CommandError(
            f"{unread} line{'' if unread == 1 else 's'} could not be read and {_were(unread)} left out."
        )


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _labels(texts: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    from kith.nlp import annotate

    return [(one.sentiment, one.intents) for one in annotate(texts)]


def _chunks() -> Iterator[bytes]:
    while chunk := os.read(sys.stdin.fileno(), CHUNK):
        yield chunk
