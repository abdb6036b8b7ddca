"""When the nightly backup is due, when one is missing, and the alarm."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from kith.base import clock
from kith.core import alarms
from kith.core.backup import making, nightly
from kith.core.backup.errors import BackupError

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    changed = dataclasses.replace(
        settings.KITH, backup_folder=tmp_path, backup_hour=3, backup_keep=2, time_zone="Europe/Berlin"
    )
    monkeypatch.setattr(settings, "KITH", changed)
    return tmp_path


def put(folder: Path, at: datetime, name: str = "kith-nightly-x") -> Path:
    path = folder / f"{name}{at:%Y%m%dT%H%M}{making.SUFFIX}"
    path.write_bytes(b"")
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


@pytest.mark.parametrize(
    ("age_hours", "hour", "due"),
    [
        (24, 3, True),
        (23, 3, True),
        (1, 3, False),
        (24, 4, False),
        (12, 3, True),
        (26, 15, True),
        (10, 15, False),
    ],
)
def test_it_is_due_in_its_hour_or_when_late(folder: Path, age_hours: int, hour: int, due: bool) -> None:
    at = datetime(2026, 3, 5, hour, 7, tzinfo=BERLIN)
    put(folder, at - timedelta(hours=age_hours))
    assert nightly.is_due(at) is due


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "KITH", dataclasses.replace(settings.KITH, backup_hour=-1))
    assert not nightly.is_due(datetime(2026, 3, 5, 3, tzinfo=BERLIN))
    assert "switched off" in nightly.missing(clock.now())


def test_a_backup_made_by_hand_counts_as_one(folder: Path) -> None:
    put(folder, clock.now() - timedelta(hours=30))
    assert "1 day old" in nightly.missing(clock.now())
    put(folder, clock.now() - timedelta(hours=1), name="kith-")
    assert nightly.missing(clock.now()) == ""


@pytest.mark.django_db(transaction=True)
def test_it_is_made_checked_and_the_oldest_goes(folder: Path) -> None:
    old = [put(folder, clock.now() - timedelta(days=days)) for days in (4, 3, 2)]
    made = nightly.run_if_due()
    assert made is not None
    assert making.check(made).rows > 0
    assert sorted(folder.iterdir()) == sorted([old[2], made])
    assert nightly.run_if_due() is None


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_an_alarm_once_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(alarms, "_listeners", [lambda kind, sentence: told.append((kind, sentence))])

    def fail(*_: Any, **__: Any) -> None:
        raise BackupError("the disk is full")

    monkeypatch.setattr(making, "make", fail)
    for _ in range(3):
        with pytest.raises(BackupError):
            nightly.run_if_due()
    assert told == [("backup", "The nightly backup failed: the disk is full")]
    assert "backup" in alarms.sounding()
    alarms.clear("backup")
    assert alarms.sounding() == {}
