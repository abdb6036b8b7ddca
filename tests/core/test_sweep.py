"""Files that nobody names go, a day after that was noticed; what somebody is about to name never does."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from kith.base.clock import now
from kith.conversations.models import Draft
from kith.core import blobs, sweep
from kith.core.models import LooseBlob
from kith.core.registry import blob_columns
from kith.teams.models import User

pytestmark = pytest.mark.django_db
DAY = 86_400.0


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blobs").mkdir()
    monkeypatch.setattr(blobs, "folder", lambda: tmp_path / "blobs")


def _old(content: bytes, *, days: float = 3) -> str:
    digest = blobs.put(content)[0]
    stamp = now().timestamp() - days * DAY
    os.utime(blobs.path_of(digest), (stamp, stamp))
    return digest


def _a_day_later() -> None:
    LooseBlob.objects.update(since=models.F("since") - timedelta(days=1))


def test_what_nobody_names_is_noticed_first_and_goes_a_day_later() -> None:
    loose, young = _old(b"nobody's"), blobs.put(b"just brought")[0]
    named = _old(b"a face")
    User.objects.create(email="a@us.example", name="A", avatar=named)
    assert sweep.sweep() == sweep.Swept(0, 0, 1)
    assert sweep.sweep().removed == 0, "not before its day has passed"
    _a_day_later()
    assert sweep.sweep() == sweep.Swept(1, len(b"nobody's"), 0)
    assert [blobs.exists(d) for d in (loose, young, named)] == [False, True, True]
    assert not LooseBlob.objects.exists()


def test_what_is_named_again_is_let_be() -> None:
    digest = _old(b"kept in a draft")
    user = User.objects.create(email="a@us.example", name="A")
    sweep.sweep()
    Draft.objects.create(user=user, attachments=[{"digest": digest, "name": "a.txt"}])
    _a_day_later()
    assert sweep.sweep().removed == 0
    assert blobs.exists(digest)
    assert not LooseBlob.objects.exists()


def test_bringing_the_same_bytes_again_keeps_them_before_anybody_names_them() -> None:
    digest = _old(b"brought twice")
    sweep.sweep()
    _a_day_later()
    assert blobs.put(b"brought twice")[0] == digest
    assert sweep.sweep().removed == 0
    assert blobs.exists(digest)


def test_an_upload_in_the_moment_of_removal_is_never_lost(monkeypatch: Any) -> None:
    """After the sweep has asked who is named, and before it takes the file, somebody brings the same bytes."""
    digest = _old(b"in the same moment")
    sweep.sweep()
    _a_day_later()
    real = blobs.remove_if_older

    def late(key: str, than: float) -> int | None:
        blobs.put(b"in the same moment")
        return real(key, than)

    monkeypatch.setattr(sweep.blobs, "remove_if_older", late)
    assert sweep.sweep().removed == 0
    assert blobs.exists(digest)


@pytest.mark.parametrize("streamed", [False, True])
def test_whoever_was_told_that_bytes_are_stored_finds_them(streamed: bool) -> None:
    """Bringing and taking the same file at once, many times: after `put` has answered, the file is there."""
    content = b"wanted by both"
    digest = blobs.put(content)[0]
    stop, missing = threading.Event(), []

    def take() -> None:
        while not stop.is_set():
            blobs.remove_if_older(digest, begun)

    def bring() -> None:
        for _ in range(300):
            os_time_back(blobs.path_of(digest))
            blobs.put(iter([content]) if streamed else content)
            if not blobs.exists(digest):
                missing.append(1)
        stop.set()

    begun = now().timestamp() - DAY

    def os_time_back(path: Path) -> None:
        try:
            os.utime(path, (begun - DAY, begun - DAY))
        except FileNotFoundError:
            return

    taker, bringer = threading.Thread(target=take), threading.Thread(target=bring)
    taker.start()
    bringer.start()
    bringer.join(120)
    taker.join(120)
    assert missing == []


def test_every_column_that_names_files_is_known_to_the_sweep() -> None:
    """By its shape: 64 letters, as long as a SHA-256. One of another kind is named here."""
    other = {
        "core.LooseBlob.digest",
        "api.IdempotentAnswer.fingerprint",
        "understanding.Annotation.digest",  # of words, so that an edit is seen
        "understanding.Correction.digest",
    }
    known = {f"{c.model._meta.label}.{c.field}" for c in blob_columns()}
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith("kith.")
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField)
        and field.max_length == 64
        and not field.name.endswith(("_hash", "time_zone"))
    }
    assert found - other <= known, found - other - known
    assert "conversations.Draft.attachments" in known
