"""The nightly backup: which are there, whether one is due, whether one is missing."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kith.base.clock import now
from kith.core import alarms
from kith.core.backup import making
from kith.core.backup.errors import BackupError

log = logging.getLogger(__name__)
LATE = timedelta(hours=26)  # older than this, a backup is missing
_PREFIX = "kith-nightly-"


def new_path(prefix: str = "kith-") -> Path:
    """A name for a backup made now, in the folder of backups."""
    folder: Path = settings.KITH.backups
    return folder / f"{prefix}{now():%Y%m%dT%H%M%SZ}{making.SUFFIX}"


def latest() -> tuple[Path, datetime] | None:
    """The newest backup in the folder of backups, made by night or by hand, and when it was made."""
    found = [(path.stat().st_mtime, path) for path in _files("*")]
    if not found:
        return None
    when, path = max(found)
    return path, datetime.fromtimestamp(when, tz=now().tzinfo)


def is_due(at: datetime) -> bool:
    """Whether the nightly backup should be made at `at`: its hour has come, or it is late."""
    environment = settings.KITH
    if environment.backup_hour < 0:
        return False
    last = max((path.stat().st_mtime for path in _files(f"{_PREFIX}*")), default=0.0)
    age = at - datetime.fromtimestamp(last, tz=at.tzinfo)
    its_hour = at.astimezone(ZoneInfo(environment.time_zone)).hour == environment.backup_hour
    return age > LATE - timedelta(hours=1) if not its_hour else age > timedelta(hours=2)


def run_if_due() -> Path | None:
    """Make the nightly backup if it is due, check it, and remove the oldest; returns its path. Failure is an alarm."""
    if not is_due(now()):
        return None
    path = new_path(_PREFIX)
    try:
        making.make(path, passphrase=passphrase())
        making.check(path)
    except (BackupError, OSError) as error:
        alarms.sound("backup", f"The nightly backup failed: {error}")
        raise
    alarms.clear("backup")
    nights = sorted(_files(f"{_PREFIX}*"), key=lambda file: file.stat().st_mtime)
    for old in nights[: -settings.KITH.backup_keep]:
        old.unlink(missing_ok=True)
    log.info("nightly backup %s", path)
    return path


def missing(at: datetime) -> str:
    """A sentence when a backup is missing, else nothing. A house younger than a day has none to miss."""
    if settings.KITH.backup_hour < 0:
        return _("The nightly backup is switched off (KITH_BACKUP_HOUR=-1).")
    last = latest()
    if last is not None:
        if at - last[1] <= LATE:
            return ""
        days = (at - last[1]).days
        return ngettext(
            "The newest backup is %(num)d day old (%(path)s).",
            "The newest backup is %(num)d days old (%(path)s).",
            days,
        ) % {"num": days, "path": last[0]}
    started = settings.KITH.secrets_key_path
    if started.exists() and at.timestamp() - started.stat().st_mtime < LATE.total_seconds():
        return ""
    return _("There is no backup in %s.") % settings.KITH.backups


def all_files() -> list[Path]:
    """Every backup in the folder of backups, made by night, by hand or before an upgrade."""
    return _files("*")


def removal_times() -> dict[Path, datetime]:
    """About when each nightly backup is removed because enough newer ones are there; none where no more are made."""
    environment = settings.KITH
    if environment.backup_hour < 0:
        return {}
    nights = sorted(_files(f"{_PREFIX}*"), key=lambda file: file.stat().st_mtime)
    if not nights:
        return {}
    last = datetime.fromtimestamp(nights[-1].stat().st_mtime, tz=now().tzinfo)
    rounds = environment.backup_keep - len(nights) + 1
    return {path: last + timedelta(days=max(1, rounds + index)) for index, path in enumerate(nights)}


def _files(pattern: str) -> list[Path]:
    folder: Path = settings.KITH.backups
    return list(folder.glob(f"{pattern}{making.SUFFIX}"))


def passphrase() -> str:
    """That of nightly backups, or nothing. Raises BackupError."""
    path = settings.KITH.backup_passphrase_file
    return read_passphrase(path) if path else ""


def read_passphrase(path: Path) -> str:
    """The first line of a file; raises BackupError."""
    try:
        line = path.read_text(encoding="utf-8").splitlines()[:1]
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"The passphrase file {path} can't be read.") from error
    if not line or len(line[0]) < 8:
        raise BackupError(f"The first line of {path} should be a passphrase of 8 characters or more.")
    return line[0]
