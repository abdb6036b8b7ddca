"""Objects of models by statements that are prepared once, for pages that read many small lists.

Django builds the text of a statement anew each time it is asked, and PostgreSQL plans it anew: together some four times
of what it takes to read the few rows of such a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection, models

from kith.core.asking import Ask, Rows, answered

M = TypeVar("M", bound=models.Model)


class _Part(NamedTuple):
    """The columns of one model within a row: those of the rows asked for (no `name`), or of a foreign key of that name."""

    model: type[models.Model]
    name: str
    columns: tuple[str, ...]
    readers: tuple[Callable[[Any], Any] | None, ...]
    key: int

    def object(self, row: Sequence[Any], at: int) -> models.Model | None:
        values = row[at : at + len(self.columns)]
        if values[self.key] is None:
            return None
        read = [
            value if reader is None or value is None else reader(value)
            for value, reader in zip(values, self.readers, strict=True)
        ]
        return self.model.from_db(connection.alias, self.columns, read)


def objects(model: type[M], where: str, params: Mapping[str, Any], **related: str) -> list[M]:
    """Rows `r` of a model that `where` names (SQL with named parameters, its ORDER BY and LIMIT included), as objects.

    `related` names foreign keys of the model, each with the columns of the other side that will be read, parted by
    spaces (`owner="name"`): they come by the same statement, its other columns when they are asked for.
    """
    found: list[M] = answered([objects_ask(model, where, params, **related)])[0]
    return found


def objects_ask(model: type[models.Model], where: str, params: Mapping[str, Any], **related: str) -> Ask:
    """The same, to be asked together with others; the answer is a list."""
    statement, (own, *others) = _statement(model, where, tuple(related.items()))

    def read(rows: Rows) -> list[Any]:
        made = []
        for row in rows:
            found: Any = own.object(row, 0)
            at = len(own.columns)
            for part in others:
                found._state.fields_cache[part.name] = part.object(row, at)
                at += len(part.columns)
            made.append(found)
        return made

    return Ask(statement, params, read)


@lru_cache(maxsize=128)
def _statement(
    model: type[models.Model], where: str, related: tuple[tuple[str, str], ...]
) -> tuple[str, list[_Part]]:
    chosen, joins = [f'r."{f.column}"' for f in model._meta.concrete_fields], []
    parts = [_part(model, "", model._meta.concrete_fields)]
    for number, (name, wanted) in enumerate(related):
        key: Any = model._meta.get_field(name)
        other, place = key.related_model, f"j{number}"
        columns = [f for f in other._meta.concrete_fields if f.primary_key or f.name in wanted.split()]
        chosen += [f'{place}."{f.column}"' for f in columns]
        joins.append(
            f'LEFT JOIN "{other._meta.db_table}" {place} ON {place}."{other._meta.pk.column}" = r."{key.column}"'
        )
        parts.append(_part(other, name, columns))
    text = f'SELECT {", ".join(chosen)} FROM "{model._meta.db_table}" r {" ".join(joins)} WHERE {where}'  # noqa: S608
    return text, parts


def _part(model: type[models.Model], name: str, fields: Sequence[Any]) -> _Part:
    key = next(number for number, field in enumerate(fields) if field.primary_key)
    return _Part(model, name, tuple(f.attname for f in fields), tuple(map(_reader, fields)), key)


def _reader(field: Any) -> Callable[[Any], Any] | None:
    """How a column's value becomes the field's, where the two differ (JSON comes parsed)."""
    read = getattr(field, "from_db_value", None)
    if read is None or isinstance(field, models.JSONField) or getattr(field, "base_field", None) is not None:
        return None
    return lambda value: read(value, None, connection)
