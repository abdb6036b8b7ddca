"""CSV that a spreadsheet opens without running anything in it, and that we can read back unchanged."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Protocol

MARK = "'"
_STARTERS = frozenset("=+-@|")
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,15})?", re.ASCII)
# What a program may strip or split at before it looks for a formula; a cell that begins so is looked through.
_SKIPPED = frozenset(" \"'`;,\t\r\n\v\f")


class Writable(Protocol):
    def write(self, text: str, /) -> Any: ...


def is_formula(text: str) -> bool:
    """Whether a spreadsheet might take a cell for a formula, however it was smuggled past a naive look."""
    if _NUMBER.fullmatch(text):
        return False
    if text[:1] in ("\t", "\r", "\n"):
        return True
    for letter in text:
        if letter in _SKIPPED or letter.isspace() or unicodedata.category(letter) in ("Cc", "Cf"):
            continue
        return unicodedata.normalize("NFKC", letter)[:1] in _STARTERS
    return False


def safe_cell(value: Any) -> str:
    """The text of a cell: numbers as they are, a formula with an apostrophe before it, which `plain_cell` takes away."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    if isinstance(value, (int, float)):
        return text
    return MARK + text if is_formula(text) or (text.startswith(MARK) and is_formula(text[1:])) else text


def plain_cell(text: str) -> str:
    """What `safe_cell` was given, for text that it has written."""
    return text[1:] if text.startswith(MARK) and is_formula(text[1:]) else text


class Writer:
    """Rows to a file opened with `newline=""`; every cell is quoted, so that no separator begins a new one."""

    def __init__(self, file: Writable) -> None:
        self._writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")

    def row(self, values: Iterable[Any]) -> None:
        self._writer.writerow([safe_cell(value) for value in values])

    def rows(self, rows: Iterable[Iterable[Any]]) -> None:
        for row in rows:
            self.row(row)
