"""New rows into tables without building SQL for them: one or a few by a prepared INSERT, many by COPY.

Where every microsecond a row counts (mail that comes in), `copy` takes values instead of objects: making a model's object
costs more than storing its row.

For rows whose keys we make ourselves. Like `bulk_create` it sends no signals; unlike it, it reads no defaults back and
knows no conflicts. Building and parsing an INSERT of 200 mails takes longer than PostgreSQL needs to store them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from psycopg.types.json import Jsonb

from kith.core import sql

_SIZE = re.compile(r"\(\d+\)")
_TYPES = {"timestamp with time zone": "timestamptz"}  # as psycopg names it
_Value = Callable[[models.Model], Any]
_AS_THEY_ARE = (
    models.UUIDField,
    models.CharField,
    models.TextField,
    models.BooleanField,
    models.IntegerField,
    models.FloatField,
    models.DateTimeField,
    models.ForeignKey,
    ArrayField,
)


def _value(field: models.Field[Any, Any]) -> _Value:
    """How the value of a column is read from an object, as psycopg takes it."""
    name = field.attname
    if type(field) is models.JSONField:
        return lambda row: None if getattr(row, name) is None else Jsonb(getattr(row, name))
    if isinstance(field, models.DateTimeField) and (field.auto_now or field.auto_now_add):
        return lambda row: field.pre_save(row, add=True)
    if isinstance(field, _AS_THEY_ARE):
        return attrgetter(name)
    return lambda row: field.get_db_prep_save(field.pre_save(row, add=True), connection)


@lru_cache(maxsize=128)
def _columns(model: type[models.Model]) -> tuple[str, tuple[str, ...], tuple[_Value, ...]]:
    """Table, columns and their values; the database counts what it counts itself."""
    fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
    return model._meta.db_table, tuple(str(f.column) for f in fields), tuple(_value(f) for f in fields)


def insert(rows: Sequence[models.Model]) -> None:
    """Store new objects of one model."""
    if not rows:
        return
    table, columns, values = _columns(type(rows[0]))
    named = ", ".join(f'"{column}"' for column in columns)
    if len(rows) == 1:
        places = ", ".join(f"%({column})s" for column in columns)
        given = {column: value(rows[0]) for column, value in zip(columns, values, strict=True)}
        sql.prepared_run(f'INSERT INTO "{table}" ({named}) VALUES ({places})', given)  # noqa: S608  (our own names)
    else:
        with (
            connection.cursor() as cursor,
            connection.wrap_database_errors,
            cursor.copy(f'COPY "{table}" ({named}) FROM STDIN') as copy,
        ):
            for row in rows:
                copy.write_row([value(row) for value in values])
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


@lru_cache(maxsize=64)
def _copied(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, list[str]]:
    """The COPY for these columns and their types; raises ValueError when one is missing or unknown."""
    columns = {str(f.column): f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)}
    if set(names) != set(columns):
        raise ValueError(f"{model.__name__}: {sorted(set(names) ^ set(columns))} missing or unknown")
    named = ", ".join(f'"{name}"' for name in names)
    types = [_SIZE.sub("", columns[name].db_type(connection) or "") for name in names]
    statement = f'COPY "{model._meta.db_table}" ({named}) FROM STDIN (FORMAT BINARY)'
    return statement, [_TYPES.get(name, name) for name in types]


def copy(model: type[models.Model], names: tuple[str, ...], rows: Collection[Sequence[Any]]) -> None:
    """Store new rows, given as values in the order of `names`: all columns but a number that the database counts.

    Values must be what the columns hold (a UUID, an aware datetime, a dict for jsonb): they travel in binary form.
    """
    if not rows:
        return
    statement, types = _copied(model, names)
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def insert_together(objects: Sequence[models.Model]) -> None:
    """Store a few new objects of several models in one prepared statement: a round trip each would cost more than they do.

    Foreign keys among them hold, since they are looked at when the transaction ends.
    """
    by_model: dict[type[models.Model], list[models.Model]] = {}
    for one in objects:
        by_model.setdefault(type(one), []).append(one)
    shape = tuple((model, len(found)) for model, found in by_model.items())
    given: dict[str, Any] = {}
    for number, found in enumerate(by_model.values()):
        _, columns, values = _columns(type(found[0]))
        for place, one in enumerate(found):
            for column, value in zip(columns, values, strict=True):
                given[f"{column}_{number}_{place}"] = value(one)
    if shape:
        sql.prepared_run(_together(shape), given)
    for one in objects:
        one._state.adding, one._state.db = False, connection.alias


@lru_cache(maxsize=128)
def _together(shape: tuple[tuple[type[models.Model], int], ...]) -> str:
    parts = []
    for number, (model, many) in enumerate(shape):
        table, columns, _ = _columns(model)
        rows = (", ".join(f"%({column}_{number}_{place})s" for column in columns) for place in range(many))
        named = ", ".join(f'"{column}"' for column in columns)
        parts.append(f'INSERT INTO "{table}" ({named}) VALUES ({"), (".join(rows)})')  # noqa: S608  (our own names)
    *first, last = parts
    before = ", ".join(f"part{number} AS ({part})" for number, part in enumerate(first))
    return f"WITH {before} {last}" if before else last
