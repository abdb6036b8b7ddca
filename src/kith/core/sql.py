"""Raw SQL for the pages that carry the load: rows in, rows out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.utils import CursorWrapper

LONG_WORD = 200  # characters without a space
_NAMED = re.compile(r"%\((\w+)\)s|%%")


@lru_cache(maxsize=1024)
def _numbered(query: str) -> tuple[str, tuple[str, ...]]:
    """A statement with named parameters as PostgreSQL takes it ($1, $2 ...), and the names in that order."""
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${names.setdefault(found[1], len(names) + 1)}" if found[1] else "%"

    return _NAMED.sub(number, query), tuple(names)


class _Prepared(psycopg.RawCursor[tuple[Any, ...]]):
    """Statements are planned once a connection, and values come in PostgreSQL's binary form."""

    def execute(self, query: Any, params: Any = None, **_options: Any) -> Any:
        text, names = _numbered(query)
        values = [params[name] for name in names]
        return super().execute(text, values or None, prepare=True, binary=True)


class _Planned(psycopg.RawCursor[tuple[Any, ...]]):
    """Planned for these very values, which come back in PostgreSQL's binary form."""

    def execute(self, query: Any, params: Any = None, **_options: Any) -> Any:
        text, names = _numbered(query)
        values = [params[name] for name in names]
        return super().execute(text, values or None, prepare=False, binary=True)


def _ask(
    sql: str, params: Mapping[str, Any], kind: type[psycopg.RawCursor[tuple[Any, ...]]] = _Prepared
) -> CursorWrapper:
    own: Any = connections[DEFAULT_DB_ALIAS]  # each look at the proxy for it costs a microsecond
    own.close_if_health_check_failed()
    own.ensure_connection()
    raw: psycopg.Connection[tuple[Any, ...]] = own.connection
    with own.wrap_database_errors:
        cursor: CursorWrapper = own._prepare_cursor(kind(raw))
    cursor.execute(sql, params)
    if own.queries_logged:  # Django finds no text in a prepared statement
        own.queries_log[-1]["sql"] = own.ops.compose_sql(sql, params)
    return cursor


def prepared(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement that pages ask again and again, and return its rows.

    Planning is more than half of what such a statement costs. Its plan must be good whatever the values are: it is made
    without knowing them. jsonb comes parsed. Behind a pooler that shares connections (`prepare=no` in DATABASE_URL) it is
    planned each time.
    """
    found: list[tuple[Any, ...]] = _ask(sql, params).fetchall()
    return found


def planned(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """As `prepared` for a statement over thousands of values, whose plan is worth making anew."""
    found: list[tuple[Any, ...]] = _ask(sql, params, _Planned).fetchall()
    return found


def prepared_run(sql: str, params: Mapping[str, Any]) -> int:
    """As `prepared` for a statement that returns no rows; returns how many it touched."""
    count: int = _ask(sql, params).rowcount
    return count


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
    cut = f"regexp_replace({text}, '(\\S{{{LONG_WORD}}})', '\\1 ', 'g')"
    return f"CASE WHEN length({expression}) > 1000 THEN {cut} ELSE {text} END"
