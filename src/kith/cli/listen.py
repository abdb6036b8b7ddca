"""`kith listen`: the monitors of a file as a filter over a stream of posts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from kith.cli.lines import as_line, chunks
from kith.cli.prepare import CommandError


def register(app: typer.Typer) -> None:
    app.command()(listen)


def listen(
    monitors: Annotated[
        Path,
        typer.Option(
            help="TOML: [[monitor]], and below each name = … and query = …; see docs/reference/queries.md."
        ),
    ],
) -> None:
    """Match posts against monitors: {"id", "text", "language", "network", "author", "published_at", "place"} lines in;
    {"id", "monitor", "matched": [[start, end], …]} lines out, in the same order."""
    from kith.nlp.wire import batches
    from kith.queries import Matcher
    from kith.queries.wire import MonitorsError, answers
    from kith.queries.wire import monitors as read

    try:
        found = read(monitors.read_text(encoding="utf-8-sig"))
    except MonitorsError as error:
        raise CommandError(f"{monitors}: {error}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{monitors} is not UTF-8. Save it as UTF-8.") from None
    except OSError as error:
        raise CommandError(f"{monitors} can't be read: {error.strerror}.") from None
    matcher = Matcher(_labels)
    for name, query in found.items():
        matcher.add(name, query)
    unread = 0
    for lines in batches(chunks()):
        rows = answers(lines, matcher)
        unread += sum("error" in row for row in rows)
        if rows:
            sys.stdout.buffer.write(b"".join(map(as_line, rows)))
            sys.stdout.buffer.flush()
    if unread:
        raise CommandError(
            f'{unread} line{"" if unread == 1 else "s"} could not be read; what is wrong stands in "error" where the answer would be.'
        )


def _labels(texts: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    from kith.nlp import annotate

    return [(one.sentiment, one.intents) for one in annotate(texts, tier="fast")]
