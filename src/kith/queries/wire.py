"""Monitors from a TOML file, post lines in, match lines out: what `kith listen` speaks."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from typing import Any, Final

from kith.queries.matcher import Matcher
from kith.queries.nodes import Post, Query, QueryError
from kith.queries.parser import parse

LINE_LIMIT: Final = 1_000_000
"""Bytes of a line."""
MOST_MONITORS: Final = 100_000

_STRINGS: Final = ("language", "network", "author", "published_at", "sentiment")


class MonitorsError(ValueError):
    """The file of monitors can't be used; each line says which monitor, where, and what to do."""


def monitors(text: str) -> dict[str, Query]:
    """Every monitor of a TOML file by its name.

    Raises:
        MonitorsError: with all that is wrong, not the first alone.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MonitorsError(f"This is not TOML: {error}.") from None
    rows = given.get("monitor")
    if not isinstance(rows, list) or not rows:
        raise MonitorsError(
            'There is no monitor. Write [[monitor]], and below it name = "…" and query = "…".'
        )
    if len(rows) > MOST_MONITORS:
        raise MonitorsError(
            f"There are {len(rows):,} monitors, and {MOST_MONITORS:,} at most can be looked for at once."
        )
    found: dict[str, Query] = {}
    wrong: list[str] = []
    for number, row in enumerate(rows, 1):
        try:
            name, query = _monitor(row, number)
        except MonitorsError as error:
            wrong.append(str(error))
            continue
        if name in found:
            wrong.append(
                f"Monitor {number}: there is one named “{name}” already. Give each a name of its own."
            )
        found[name] = query
    if wrong:
        raise MonitorsError("\n".join(wrong))
    return found


def _monitor(row: Any, number: int) -> tuple[str, Query]:
    name = row.get("name") if isinstance(row, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise MonitorsError(f'Monitor {number} has no name. Write name = "…" below its [[monitor]].')
    text = row.get("query")
    if not isinstance(text, str):
        raise MonitorsError(f'Monitor {number}, “{name}”, has no query. Write query = "…" below its name.')
    unknown = sorted(set(row) - {"name", "query"})
    if unknown:
        raise MonitorsError(
            f"Monitor {number}, “{name}”: {unknown[0]} is not known; a monitor has a name and a query."
        )
    try:
        return name, parse(text)
    except QueryError as error:
        raise MonitorsError(f"Monitor {number}, “{name}”: {pointed(text, error)}") from None


def pointed(text: str, error: QueryError) -> str:
    """What is wrong, with the part of the query where it is and an arrow below the character."""
    start = max(0, error.position - 60)
    shown = "".join(" " if char.isspace() else char for char in text[start : start + 100])
    arrow = " " * (error.position - start) + "^" * max(1, min(error.length, 100 - (error.position - start)))
    return f"character {error.position + 1}: {error.message}\n    {shown}\n    {arrow}"


def answers(lines: Sequence[bytes], matcher: Matcher) -> list[dict[str, Any]]:
    """A line for each monitor that a post matches, by lines and then monitors; for what can't be read {"id", "error"}."""
    wrong: dict[int, dict[str, Any]] = {}
    posts: list[Post] = []
    places: list[int] = []
    for number, line in enumerate(lines):
        post = _read(line)
        if isinstance(post, Post):
            posts.append(post)
            places.append(number)
        else:
            wrong[number] = post
    found = matcher.match(posts)
    rows = [
        (places[index], {"id": posts[index].id, "monitor": key, "matched": spans})
        for index, key, spans in found
    ]
    if wrong:
        rows = sorted([*rows, *wrong.items()], key=lambda row: row[0])
    return [row for _, row in rows]


def _read(line: bytes) -> Post | dict[str, Any]:
    if len(line) > LINE_LIMIT:
        return {"id": None, "error": f"the line is longer than {LINE_LIMIT:,} bytes"}
    try:
        given = json.loads(line.decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"this is not JSON ({type(error).__name__})"}
    if not isinstance(given, dict):
        return {"id": None, "error": "a line must be a JSON object"}
    if "id" not in given:
        return {"id": None, "error": 'there is no "id"'}
    get, name = given.get, given["id"]
    text, intents = get("text"), get("intents")
    if not isinstance(text, str):
        return {"id": name, "error": 'there is no "text", or it is no string'}
    for field in _STRINGS:
        if not isinstance(get(field), str | None):
            return {"id": name, "error": f'"{field}" is no string'}
    if intents is not None and not (
        isinstance(intents, list) and all(isinstance(one, str) for one in intents)
    ):
        return {"id": name, "error": '"intents" is no list of strings'}
    return Post(
        name, text, get("language"), get("network"), get("author"), get("published_at"), get("place"),
        get("sentiment"), tuple(intents or ()),
    )  # fmt: skip
