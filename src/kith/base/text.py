"""Text from outside, made fit for the database."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

T = TypeVar("T")


def clean(text: str) -> str:
    """Text that PostgreSQL takes: without NUL and without lone surrogates."""
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def clean_value(value: Any) -> Any:
    """`clean` for every string inside a JSON-like value."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): clean_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(clean_value(item) for item in value)
    return value


def clean_fields(record: T) -> T:
    """A frozen dataclass with all its strings cleaned, nested tuples and dicts of strings included."""
    changed = {}
    for item in fields(record):  # type: ignore[arg-type]
        before = getattr(record, item.name)
        if isinstance(before, (str, dict)) or (
            isinstance(before, tuple) and before and isinstance(before[0], str)
        ):
            after = clean_value(before)
            if after != before:
                changed[item.name] = after
    return replace(record, **changed) if changed else record  # type: ignore[type-var]


def words_in(text: str) -> list[str]:
    """The words of a list that is written as a text."""
    return text.split()
