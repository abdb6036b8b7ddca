"""Raw SQL for the pages that carry the load: rows in, rows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def rows(sql: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one statement and return all of its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def run(sql: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> int:
    """Run one statement; returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        count: int = cursor.rowcount
    return count


def for_words(expression: str, *, tag: str = " ") -> str:
    """An SQL expression: the text, so that PostgreSQL's parser of words needs time in proportion to its length.

    Plain, 100,000 characters of "a_a_a_" or of "<!-- x <!-- x" take it minutes: at each character it looks for a tag, an
    address or a number that may end anywhere further on. So what has no space for 200 characters gets one, and "<" becomes
    `tag`. A text too short to matter stays as it is.
    """
    text = f"translate({expression}, '<', '{tag}')"
    cut = f"regexp_replace({text}, '(\\S{{200}})', '\\1 ', 'g')"
    return f"CASE WHEN length({expression}) > 1000 THEN {cut} ELSE {text} END"
