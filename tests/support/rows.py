"""The rows of a whole database and its blobs, kept and put back: what takes seconds to build is built once a process.

All but the diary of the queue, which asks for its jobs at once instead of at the end.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from django.db import connection
from psycopg import sql

from kith.core import blobs

TABLES = (
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = 'public' "
    "AND c.relname NOT IN ('django_migrations', 'procrastinate_events') ORDER BY EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid "
    "AND f.contype = 'f' AND NOT f.condeferrable), 1"
)
SEQUENCES = (
    "SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename), last_value FROM pg_sequences "
    "WHERE schemaname = 'public' AND last_value IS NOT NULL"
)


@dataclass(frozen=True)
class Rows:
    """`tables`: what COPY wrote, by table; `sequences`: how far each had counted; `blobs`: a copy of their folder."""

    tables: dict[str, bytes]
    sequences: dict[str, int]
    blobs: Path


def rows_keep() -> Rows:
    """Everything that stands in the database now."""
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        names = [row[0] for row in cursor.execute(TABLES).fetchall()]
        tables: dict[str, bytes] = {}
        for name in names:
            with cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.SQL(name))) as out:
                tables[name] = b"".join(bytes(part) for part in out)
        numbers = dict(cursor.execute(SEQUENCES).fetchall())
    kept = Path(tempfile.mkdtemp(prefix="blobs-", dir=blobs.folder().parent))
    shutil.copytree(blobs.folder(), kept, dirs_exist_ok=True)
    return Rows(tables, numbers, kept)


def rows_put(kept: Rows) -> None:
    """Replace what stands in the database; triggers sleep meanwhile, foreign keys are asked at the end."""
    shutil.copytree(kept.blobs, blobs.folder(), dirs_exist_ok=True)
    connection.ensure_connection()
    with connection.connection.transaction(), connection.connection.cursor() as cursor:
        _triggers(cursor, kept, "DISABLE")
        cursor.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(map(sql.SQL, kept.tables))))
        for name, rows in kept.tables.items():
            with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.SQL(name))) as into:
                into.write(rows)
        for name, value in kept.sequences.items():
            cursor.execute("SELECT setval(%s, %s)", [name, value])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _triggers(cursor, kept, "ENABLE")


def _triggers(cursor: psycopg.Cursor[Any], kept: Rows, way: LiteralString) -> None:
    for name in kept.tables:
        cursor.execute(sql.SQL("ALTER TABLE {} {} TRIGGER USER").format(sql.SQL(name), sql.SQL(way)))
