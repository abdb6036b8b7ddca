"""What is kept of people, by model: what an erasure does with its rows, and which of its fields an export shows.

A room registers its models in `privacy.py`, which its `AppConfig.ready` imports. A test fails for every model that reaches
a contact or an identity and stands in neither list.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.db.models import Model

Erasure = Literal["delete", "blank", "unlink", "keep"]


@dataclass(frozen=True, slots=True)
class Kept:
    """How one model is treated when the person is erased, and what is exported.

    `path` leads from a row to the person by foreign keys ("identity__contact"). "delete": the rows go; "blank": the rows
    stay without `fields`; "unlink": the rows stay without the person; "keep": they stay, for the reason in `why`.
    """

    model: type[Model]
    path: str
    erase: Erasure
    fields: tuple[str, ...] = ()
    export: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class BlobColumn:
    """A column that names files of the blob store. `inside`: it is a list of objects, and their member of that name does."""

    model: type[Model]
    field: str
    inside: str = ""
    where: str = "true"

    def select(self) -> str:
        """SQL that gives the digests named, as `digest`."""
        table, column = self.model._meta.db_table, self.field
        if self.inside:
            return (
                f"SELECT x.item ->> '{self.inside}' AS digest FROM {table} CROSS JOIN LATERAL "  # noqa: S608  (names of models)
                f"jsonb_array_elements({column}) AS x (item) WHERE {self.where}"
            )
        return f"SELECT {column} AS digest FROM {table} WHERE {column} <> '' AND {self.where}"  # noqa: S608  (the same)


_blob_columns: dict[tuple[str, str], BlobColumn] = {}


def names_blobs(model: type[Model], field: str, *, inside: str = "", where: str = "true") -> None:
    """Register a column whose files are kept; what no such column names is swept."""
    model._meta.get_field(field)
    _blob_columns[model._meta.label, field] = BlobColumn(model, field, inside, where)


def blob_columns() -> tuple[BlobColumn, ...]:
    return tuple(_blob_columns.values())


_kept: dict[str, Kept] = {}
_forgetters: list[Callable[[Sequence[uuid.UUID], Sequence[str]], None]] = []


def on_erased(callback: Callable[[Sequence[uuid.UUID], Sequence[str]], None]) -> None:
    """Register what a room does, in the transaction of an erasure, with what it keeps outside of models that reach a
    person: it gets the ids of all that was erased, and the words (addresses, handles, names) that must not be left."""
    _forgetters.append(callback)


def erased(ids: Sequence[uuid.UUID], words: Sequence[str]) -> None:
    """Tell every room; called by the erasure."""
    for callback in _forgetters:
        callback(ids, words)


def is_certain(word: str) -> bool:
    """Whether such a word means one person and nothing else: an address, a number, a name of several words."""
    return len(word) >= 6 and any(c in "@ +./:" or c.isdigit() for c in word)


def keeps(
    model: type[Model],
    path: str,
    *,
    erase: Erasure,
    fields: Sequence[str] = (),
    export: Sequence[str] = (),
    why: str = "",
) -> None:
    """Register a model. Raises ValueError for names that it does not have, and for "keep" or no export without a reason."""
    names = {field.name for field in model._meta.get_fields()} | {
        field.attname for field in model._meta.concrete_fields
    }
    if unknown := (set(fields) | set(export)) - names:
        raise ValueError(f"{model._meta.label} has no {sorted(unknown)}")
    if not why and (erase == "keep" or not export):
        raise ValueError(f"{model._meta.label}: say why")
    if erase == "blank" and not fields:
        raise ValueError(f"{model._meta.label}: say which fields are blanked")
    walk: type[Model] = model
    for step in path.split("__") if path else []:
        related = walk._meta.get_field(step).related_model
        if not isinstance(related, type):
            raise ValueError(f"{model._meta.label}: {path} leads nowhere")
        walk = related
    _kept[model._meta.label] = Kept(model, path, erase, tuple(fields), tuple(export), why)


def kept() -> dict[str, Kept]:
    """All registered models by label ("contacts.Fact")."""
    return dict(_kept)
