"""The journal of erasures: KITH_HOME/erasures.journal, outside of the database and of what a backup holds.

A line for each erasure, written and synced before it is final, so that a database put back from before can be told what was
to be gone. It names nobody: ids that are random numbers, and keyed hashes of addresses. Lines are added and never changed.
A line that was torn by a crash is passed over, counted, and ends where the next one begins.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from kith.core.blobs import told_when_full


class JournalError(Exception):
    """A journal can't be read; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One erasure. `id` is that of its request; `addresses` and `never` are keyed hashes, `key` says by which key.

    `never`: of the addresses that are never to be written to again, as `trust` keeps them. `house` tells the database from
    others (`house_mark`): hashes mean nothing in another one.
    """

    id: uuid.UUID
    at: datetime
    contacts: frozenset[uuid.UUID]
    identities: frozenset[uuid.UUID]
    addresses: frozenset[str]
    key: str
    house: str
    never: frozenset[str] = frozenset()

    def covers(self, other: Entry) -> bool:
        return (
            self.contacts >= other.contacts
            and self.identities >= other.identities
            and self.addresses >= other.addresses
            and self.never >= other.never
        )

    def joined(self, other: Entry) -> Entry:
        """Both, of one erasure that went on after an interruption."""
        return replace(
            self,
            at=max(self.at, other.at),
            contacts=self.contacts | other.contacts,
            identities=self.identities | other.identities,
            addresses=self.addresses | other.addresses,
            never=self.never | other.never,
        )


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal holds, oldest first; `damaged` counts lines that can't be read."""

    entries: tuple[Entry, ...]
    damaged: int = 0

    def of(self, key: uuid.UUID) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == key), None)


def house_mark() -> str:
    """What this database was born with, and keeps through backups: a hash of when its first table was made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(applied) FROM django_migrations")
        born = cursor.fetchone()[0]
    return hashlib.sha256(str(born and born.timestamp()).encode()).hexdigest()[:16]


def path() -> Path:
    home: Path = settings.KITH.home
    return home / "erasures.journal"


def as_plain(entry: Entry) -> dict[str, object]:
    """An entry as JSON takes it."""
    return {
        "v": 1,
        "id": str(entry.id),
        "at": entry.at.isoformat(),
        "contacts": sorted(map(str, entry.contacts)),
        "identities": sorted(map(str, entry.identities)),
        "addresses": sorted(entry.addresses),
        "key": entry.key,
        "house": entry.house,
        "never": sorted(entry.never),
    }


def of_plain(value: object) -> Entry:
    """Raises ValueError for what is no entry."""
    try:
        assert isinstance(value, dict)
        entry = Entry(
            uuid.UUID(value["id"]),
            datetime.fromisoformat(value["at"]),
            frozenset(map(uuid.UUID, value["contacts"])),
            frozenset(map(uuid.UUID, value["identities"])),
            frozenset(map(str, value["addresses"])),
            str(value["key"]),
            str(value["house"]),
            frozenset(map(str, value["never"])),
        )
        assert entry.at.tzinfo is not None
    except (AssertionError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("no entry of a journal of erasures") from error
    return entry


def read(file: Path | None = None) -> Journal:
    """The journal of this home, or another file. Raises JournalError; no file at all is an empty journal of this home."""
    source = file or path()
    try:
        lines = source.read_bytes().split(b"\n")
    except FileNotFoundError as error:
        if file is None:
            return Journal(())
        raise JournalError(f"There is no {source}.") from error
    except OSError as error:
        raise JournalError(f"The journal of erasures {source} can't be read: {error.strerror}.") from error
    found: dict[uuid.UUID, Entry] = {}
    damaged = 0
    for line in filter(None, lines):
        try:
            entry = of_plain(json.loads(line))
        except ValueError:
            damaged += 1
            continue
        before = found.get(entry.id)
        found[entry.id] = before.joined(entry) if before else entry
    if file is not None and damaged and not found:
        raise JournalError(f"{file} is no journal of erasures.")
    return Journal(tuple(sorted(found.values(), key=lambda e: (e.at, str(e.id)))), damaged)


def add(entries: Iterable[Entry]) -> int:
    """Write what the journal does not hold yet; durable when this returns. Returns how many. Raises StoreFull, OSError."""
    new = _missing(entries)
    if not new:
        return 0
    with _alone():
        new = _missing(new)
        if new:
            _append("".join(json.dumps(as_plain(entry)) + "\n" for entry in new).encode())
    return len(new)


def _missing(entries: Iterable[Entry]) -> list[Entry]:
    there = {entry.id: entry for entry in read().entries}
    return [e for e in entries if e.id not in there or not there[e.id].covers(e)]


def _append(lines: bytes) -> None:
    target = path()
    with told_when_full(target.parent):
        new = not target.exists()
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                lines = b"\n" + lines  # the line before was torn
            while lines:
                lines = lines[os.write(descriptor, lines) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One writer at a time on this machine."""
    with told_when_full(path().parent):
        descriptor = os.open(path().with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
