"""Backups made before an erasure hold who was erased: which they are, when they go, and how they go at once."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from kith.base.clock import now
from kith.core import audit
from kith.core.backup import making, nightly
from kith.core.backup.archive import Reader
from kith.core.backup.errors import BackupError
from kith.workspace.models import PersonRequest


@dataclass(frozen=True, slots=True)
class OldBackup:
    """`goes`: about when the nightly rounds remove it; None for one that only a person removes."""

    path: Path
    made_at: datetime
    goes: datetime | None

    @property
    def name(self) -> str:
        return self.path.name


def backups_before(moment: datetime) -> list[OldBackup]:
    """Backups in this machine's folder of backups that were begun before `moment`, oldest first."""
    goes = nightly.removal_times()
    found = [
        OldBackup(path, made_at, goes.get(path))
        for path in nightly.all_files()
        if (made_at := _made_at(path)) < moment
    ]
    return sorted(found, key=lambda backup: (backup.made_at, backup.name))


def _made_at(path: Path) -> datetime:
    """When it was begun, by its manifest; a file that is none is as old as its bytes."""
    with contextlib.suppress(BackupError, KeyError, ValueError), Reader(path) as reader:
        return datetime.fromisoformat(reader.manifest["made_at"])
    with contextlib.suppress(FileNotFoundError):
        return datetime.fromtimestamp(path.stat().st_mtime, tz=now().tzinfo)
    return now() + timedelta(days=1)  # gone meanwhile


def backups_renew(request: PersonRequest) -> int:
    """Make a backup, check it, and then remove those from before the erasure; returns how many. Raises BackupError.

    Nothing is removed before the new one was read to its last byte, so that there is one at any moment.
    """
    if request.finished_at is None:
        raise ValueError("nobody was erased yet")
    old = backups_before(request.finished_at)
    if not old and not _abandoned():
        return 0
    path = nightly.new_path()
    making.make(path, passphrase=nightly.passphrase())
    making.check(path)
    for backup in old:
        backup.path.unlink(missing_ok=True)
    for draft in _abandoned():
        draft.unlink(missing_ok=True)
    audit.record("backups_renewed", "contact", request.contact_id, count=len(old))
    return len(old)


def _abandoned() -> list[Path]:
    """Backups that were begun and whose process is gone: they hold what they hold."""
    folder: Path = settings.KITH.backups
    found = []
    for draft in folder.glob(f".*{making.SUFFIX}.*.part"):
        process = draft.name.rsplit(".", 2)[1]
        if not process.isdigit() or not _lives(int(process)):
            found.append(draft)
    return found


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
