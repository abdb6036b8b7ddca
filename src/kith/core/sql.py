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
