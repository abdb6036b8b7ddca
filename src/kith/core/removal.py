# ruff: noqa: S608  (the parts are names of tables and columns; every value is a parameter)
"""Rows with all that hangs on them, gone by a statement for each table: no object is made of a row that goes.

Django's `delete()` reads every row that a cascade reaches before it deletes it; for tens of thousands of messages, each with
copies, participants and a search document, that takes most of the time. What a foreign key says (`on_delete`) holds here, too.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import models
from django.db.models.deletion import CASCADE, SET_NULL

from kith.core import sql


@cache
def _relations(model: type[models.Model]) -> tuple[tuple[type[models.Model], str, Any], ...]:
    """(model, column, on_delete) of every foreign key that points to `model`."""
    found = []
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ForeignObjectRel) and not isinstance(relation, models.ManyToManyRel):
            field = relation.field
            found.append((field.model, str(field.column), relation.on_delete))
    return tuple(found)


def rows_remove(model: type[models.Model], ids: Sequence[uuid.UUID | int]) -> Counter[str]:
    """Delete rows by primary key, in the caller's transaction. Returns how many went, by model ("conversations.Message").

    Raises ValueError where a foreign key says neither CASCADE nor SET_NULL: the database would refuse it at the commit.
    """
    gone: Counter[str] = Counter()
    if not ids:
        return gone
    for child, column, rule in _relations(model):
        if rule is SET_NULL:
            sql.run(
                f'UPDATE {child._meta.db_table} SET "{column}" = NULL WHERE "{column}" = ANY (%s)',
                [list(ids)],
            )
        elif rule is CASCADE:
            gone += _children_remove(child, column, ids)
        elif sql.rows(
            f'SELECT 1 FROM {child._meta.db_table} WHERE "{column}" = ANY (%s) LIMIT 1', [list(ids)]
        ):
            raise ValueError(f"{child._meta.label}.{column} keeps {model._meta.label}")
    key = model._meta.pk.column
    gone[model._meta.label] += sql.run(
        f'DELETE FROM {model._meta.db_table} WHERE "{key}" = ANY (%s)', [list(ids)]
    )
    return gone


def _children_remove(child: type[models.Model], column: str, ids: Sequence[Any]) -> Counter[str]:
    table = child._meta.db_table
    if not _relations(child):
        return Counter(
            {child._meta.label: sql.run(f'DELETE FROM {table} WHERE "{column}" = ANY (%s)', [list(ids)])}
        )
    key = child._meta.pk.column
    found = sql.rows(f'SELECT "{key}" FROM {table} WHERE "{column}" = ANY (%s)', [list(ids)])
    return rows_remove(child, [row[0] for row in found])
