"""Posts as JSON lines in, matches as JSON lines out: what `kith listen` speaks."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Final

from kith.queries.nodes import Post, Span

LINE_LIMIT: Final = 1_000_000
"""Bytes of a line."""
BATCH: Final = 2_000
_TEXTS: Final = ("language", "network", "author", "published_at", "sentiment")
_loads = json.JSONDecoder().decode


class LineError(ValueError):
    """A line that is no post, in words."""


def numbered(chunks: Iterable[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Whole lines with their numbers out of chunks as they come; none is held back for more to come.

    Of a line that is too long only its beginning is kept, so that it can be refused without being stored.
    """
    rest, number = b"", 0
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        rest = rest[: LINE_LIMIT + 1]
        for begin in range(0, len(whole), BATCH):
            lines = [
                (at, line)
                for at, line in enumerate(whole[begin : begin + BATCH], number + begin + 1)
                if line.strip()
            ]
            if lines:
                yield lines
        number += len(whole)
    if rest.strip():
        yield [(number + 1, rest)]


def post(line: bytes) -> Post:
    """The post of a line. Raises LineError."""
    if len(line) > LINE_LIMIT:
        raise LineError(f"the line is longer than {LINE_LIMIT:,} bytes")
    try:
        given = _loads(line.decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise LineError(f"this is not JSON ({_what(error)})") from error
    if not isinstance(given, dict):
        raise LineError('a line must be a JSON object with an "id" and a "text"')
    name, text, get = given.get("id"), given.get("text"), given.get
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise LineError('there is no "id", or it is neither a string nor a whole number')
    if not isinstance(text, str):
        raise LineError('there is no "text", or it is no string')
    for field in _TEXTS:
        if not isinstance(get(field, ""), str | None):
            raise LineError(f'"{field}" must be a string, or left out')
    return Post(
        name, text, get("language"), get("network"), get("author"), get("published_at"), _place(get("place")),
        get("sentiment"), _intents(get("intents")),
    )  # fmt: skip


def _what(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is not UTF-8"
    return "it is nested too deep" if isinstance(error, RecursionError) else str(error)


def _place(given: Any) -> Any:
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, list) and len(given) == 2 and all(map(_number, given)):
        return given
    if (
        isinstance(given, dict)
        and isinstance(given.get("name"), str | None)
        and all(given.get(one) is None or _number(given[one]) for one in ("lat", "lon"))
    ):
        return given
    raise LineError('"place" must be a name, [latitude, longitude], or {"name", "lat", "lon"}')


def _number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _intents(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise LineError('"intents" must be a list of strings, or left out')
    return tuple(given)


def found(of: Post, monitor: Hashable, spans: list[Span]) -> bytes:
    """The line that says so."""
    answer = {"id": of.id, "monitor": monitor, "matched": spans}
    try:
        return json.dumps(answer, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half a character, which UTF-8 can't hold and JSON can
        return json.dumps(answer).encode() + b"\n"
