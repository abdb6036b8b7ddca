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
