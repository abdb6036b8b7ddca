"""New rows into a table without building SQL for them: one by a prepared INSERT, many by COPY.

For rows whose keys we make ourselves. Like `bulk_create` it sends no signals; unlike it, it reads no defaults back and
knows no conflicts. Building and parsing an INSERT of 200 mails takes longer than PostgreSQL needs to store them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from psycopg.types.json import Jsonb

from kith.core import sql

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
