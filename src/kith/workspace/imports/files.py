"""Reads files of mail and of people as streams: one item in memory at a time."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

from django.utils.translation import gettext as _

from kith.base.text import clean

MAX_ITEM = 50 * 1024 * 1024
LONGEST_LINE = 1024 * 1024
MAIL_KINDS = ("mbox", "maildir", "eml")
PEOPLE_KINDS = ("vcard", "csv")


class FileRefused(ValueError):
    """A file that can't be read as what it is said to be; the message is for a person."""


def mails(kind: str, path: Path) -> Iterator[bytes]:
    """The mails of a file or folder, as bytes, in a stable order."""
    if not path.exists():
        raise FileRefused(_("There is no %s.") % path)
    if kind == "mbox":
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            yield from _mbox(file)
    elif kind == "maildir":
        yield from _maildir(path)
    else:
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            yield _read(file)


def _lines(source: TextIO) -> Iterator[str]:
    """Line by line, without what no database takes; a line without end fills no memory. Raises FileRefused."""
    while line := source.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise FileRefused(_("This file has a line of more than a million characters."))
        yield clean(line)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_ITEM)


def _mbox(path: Path) -> Iterator[bytes]:
    """Mails between lines that begin with "From " after an empty line; ">From " is unquoted (mboxrd)."""
    lines: list[bytes] = []
    size, started, empty = 0, False, True
    with path.open("rb") as file:
        for line in iter(partial(file.readline, LONGEST_LINE), b""):
            if line.startswith(b"From ") and empty:
                if started and any(part.strip() for part in lines):
                    yield _joined(lines)
                lines, size, started = [], 0, True
            elif not started and not line.strip():
                continue
            else:
                if not started:
                    started = True
                if size < MAX_ITEM:
                    quoted = line.lstrip(b">")
                    lines.append(line[1:] if quoted.startswith(b"From ") and line.startswith(b">") else line)
                    size += len(line)
            empty = line in (b"\n", b"\r\n")
    if any(part.strip() for part in lines):
        yield _joined(lines)


def _joined(lines: list[bytes]) -> bytes:
    if lines and lines[-1] in (b"\n", b"\r\n"):
        lines = lines[:-1]
    return b"".join(lines)


def _maildir(path: Path) -> Iterator[bytes]:
    """A maildir and the folders beside it (Maildir++); what is in tmp is not delivered yet."""
    if not any((path / part).is_dir() for part in ("cur", "new")):
        raise FileRefused(_("%s is no maildir: it has no folder cur or new.") % path)
    for folder, names, _files in os.walk(path):
        names.sort()
        if Path(folder).name in ("cur", "new"):
            for file in sorted(Path(folder).iterdir()):
                if file.is_file():
                    yield _read(file)


def csv_rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV in any common encoding and with any common separator; keys are the headers as written."""
    if not path.is_file():
        raise FileRefused(_("There is no %s.") % path)
    with path.open("rb") as raw:
        head = raw.read(64 * 1024)
    encoding = _encoding(head)
    text = head.decode(encoding, "replace")
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(
            text[: text.rfind("\n") + 1] or text, ",;\t|"
        )
    except csv.Error:
        dialect = csv.excel
    csv.field_size_limit(1024 * 1024)
    with path.open("r", encoding=encoding, errors="replace", newline="") as file:
        reader = csv.DictReader(_lines(file), dialect=dialect)
        try:
            if not reader.fieldnames or len([n for n in reader.fieldnames if n]) < 1:
                raise FileRefused(_("This file has no first line with the names of its columns."))
            for row in reader:
                yield {
                    str(k).strip(): (v or "").strip()
                    for k, v in row.items()
                    if k and isinstance(v, (str, type(None)))
                }
        except csv.Error as error:
            raise FileRefused(_("Line %d of this file is no row of a table.") % reader.line_num) from error


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        io.TextIOWrapper(io.BytesIO(head[: max(0, len(head) - 4)]), encoding="utf-8").read()
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def vcards(path: Path) -> Iterator[str]:
    """The cards of a .vcf file (or of a folder of them), one by one, as text."""
    files = [path] if path.is_file() else sorted(path.rglob("*.vcf"))
    if not files:
        raise FileRefused(_("There is no vCard at %s.") % path)
    for file in files:
        lines: list[str] = []
        inside = False
        with file.open("r", encoding="utf-8-sig", errors="replace") as source:
            for line in _lines(source):
                mark = line.strip().upper()
                if mark == "BEGIN:VCARD":
                    lines, inside = [], True
                if inside and len(lines) < 20_000:
                    lines.append(line)
                if mark == "END:VCARD" and inside:
                    yield "".join(lines)
                    inside = False
