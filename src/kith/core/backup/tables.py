"""Every table of the database out to and in from PostgreSQL's COPY text, on one snapshot."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection, transaction
from psycopg import sql

from kith.core.backup.errors import BackupError

SCHEMA = "public"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the columns that hold data of their own (generated ones are made again)."""

    name: str
    columns: tuple[str, ...]


@contextlib.contextmanager
def snapshot() -> Iterator[psycopg.Cursor[Any]]:
    """A cursor that sees the database as it was at one moment, however long the reading takes."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield _raw(cursor)


def all_tables(cursor: Any) -> list[Table]:
    cursor.execute(
        "SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a "
        "ON a.attrelid = c.oid WHERE c.relkind = 'r' AND c.relnamespace = %s::regnamespace AND a.attnum > 0 "
        "AND NOT a.attisdropped AND a.attgenerated = '' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE "
        "d.objid = c.oid AND d.deptype = 'e') GROUP BY c.relname ORDER BY c.relname",
        [SCHEMA],
    )
    return [Table(name, tuple(columns)) for name, columns in cursor.fetchall()]


def read(cursor: psycopg.Cursor[Any], table: Table) -> Iterator[bytes]:
    """The rows of a table as COPY text."""
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(_table(table.name), _columns(table))
    with cursor.copy(statement) as copy:
        for chunk in copy:
            yield bytes(chunk)


def sequences(cursor: Any) -> dict[str, int]:
    """The last number that each sequence gave; those that gave none are left out."""
    cursor.execute(
        "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = %s AND last_value IS NOT NULL",
        [SCHEMA],
    )
    return {str(name): int(last) for name, last in cursor.fetchall()}


def count(cursor: Any, table: str) -> int:
    cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(_table(table)))
    return int(cursor.fetchone()[0])


@contextlib.contextmanager
def loading() -> Iterator[psycopg.Cursor[Any]]:
    """One transaction in which rows may arrive in any order: empties all tables, and sets foreign keys and triggers
    aside until the end, when every key is checked."""
    with transaction.atomic(), connection.cursor() as django_cursor:
        cursor = _raw(django_cursor)
        names = [table.name for table in all_tables(cursor)]
        keys = _foreign_keys(cursor)
        for table, name, _ in keys:
            cursor.execute(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(_table(table), sql.Identifier(name))
            )
        for name in names:
            cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(_table(name)))
        cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(_table(name) for name in names)))
        yield cursor
        for name in names:
            cursor.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(_table(name)))
        for table, name, definition in keys:
            cursor.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                    _table(table), sql.Identifier(name), sql.SQL(definition)
                )
            )


def write(cursor: psycopg.Cursor[Any], table: Table, chunks: Iterable[bytes]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(_table(table.name), _columns(table))
    try:
        with cursor.copy(statement) as copy:
            for chunk in chunks:
                copy.write(chunk)
    except psycopg.DataError as error:
        raise BackupError(f"The table {table.name} can't be read back: {error}") from error


def set_sequences(cursor: Any, values: dict[str, int]) -> None:
    for name, last in values.items():
        cursor.execute("SELECT setval(%s::regclass, %s, true)", [f'{SCHEMA}."{name}"', last])


def drop_everything() -> None:
    """Empty the database: tables, types, functions and extensions."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")


def _foreign_keys(cursor: Any) -> list[tuple[str, str, str]]:
    cursor.execute(
        "SELECT c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c "
        "ON c.oid = k.conrelid WHERE k.contype = 'f' AND c.relnamespace = %s::regnamespace ORDER BY 1, 2",
        [SCHEMA],
    )
    return [(str(table), str(name), str(definition)) for table, name, definition in cursor.fetchall()]


def _raw(cursor: Any) -> psycopg.Cursor[Any]:
    raw: psycopg.Cursor[Any] = cursor.cursor
    while not isinstance(raw, psycopg.Cursor):
        raw = raw.cursor
    return raw


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, name)


def _columns(table: Table) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in table.columns)
