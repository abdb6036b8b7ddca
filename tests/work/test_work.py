"""Tasks, notes and promises: who may, who sees, and what is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kith.base.clock import now
from kith.contacts.models import Contact
from kith.contacts.services import contact_create, contact_merge
from kith.core import blobs
from kith.teams.errors import NotAllowed
from kith.teams.notifications import notifications_page
from kith.work import services
from kith.work.jobs import due_tell
from kith.work.selectors import note_photo, promises_open, tasks_open
from kith.work.services import WorkError
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(cast: Cast) -> Contact:
    return contact_create(name="Ada Lovelace")


def test_a_task_is_made_done_and_done_again_only_once(cast: Cast, ada: Contact) -> None:
    carl = cast.viewer(cast.carl)
    task = services.task_create(carl, title="  send \n a bell ", contact_id=ada.pk, assignee_id=cast.ines.id)
    assert task.title == "send a bell"
    first = services.task_complete(carl, task.pk).done_at
    assert services.task_complete(cast.viewer(cast.ines), task.pk).done_at == first
    assert list(tasks_open(carl)) == []
    services.task_reopen(carl, task.pk)
    assert [t.pk for t in tasks_open(cast.viewer(cast.ines), mine=True)] == [task.pk]
    services.task_update(carl, task.pk, assignee_id=None, team_id=cast.workshop.id)
    assert [t.pk for t in tasks_open(cast.viewer(cast.ines), mine=True)] == [task.pk]
    assert list(tasks_open(carl, mine=True)) == []
    with pytest.raises(TypeError):
        services.task_update(carl, task.pk, done_at=None)
    services.task_delete(carl, task.pk)


def test_scopes_hold(cast: Cast, ada: Contact) -> None:
    carl, ines = cast.viewer(cast.carl), cast.viewer(cast.ines)
    task = services.task_create(carl, title="offer", contact_id=ada.pk, scope_id=cast.sales_scope.id)
    promise = services.promise_make(carl, contact_id=ada.pk, what="10 % off", scope_id=cast.sales_scope.id)
    assert (tasks_open(ines).count(), promises_open(ines).count()) == (0, 0)
    assert (tasks_open(carl).count(), promises_open(carl).count()) == (1, 1)
    for act in (
        lambda: services.task_complete(ines, task.pk),
        lambda: services.promise_keep(ines, promise.pk),
        lambda: services.task_create(ines, title="x", scope_id=cast.sales_scope.id),
        lambda: services.task_create(cast.viewer(cast.pia), title="x"),
        lambda: services.note_write(cast.viewer(cast.pia), contact_id=ada.pk, text="x"),
    ):
        with pytest.raises(NotAllowed):
            act()
    with pytest.raises(WorkError):
        services.task_update(carl, task.pk, assignee_id=cast.ines.id)


def test_what_happened_elsewhere_is_written_down(cast: Cast, ada: Contact) -> None:
    carl = cast.viewer(cast.carl)
    note = services.note_write(
        carl, contact_id=ada.pk, kind="letter", photo=b"\xff\xd8photo", photo_type="image/jpeg"
    )
    digest, kind = note_photo(carl, note.pk) or ("", "")
    assert (blobs.read(digest), kind) == (b"\xff\xd8photo", "image/jpeg")
    services.note_write(carl, contact_id=ada.pk, kind="call")
    bad: list[dict[str, Any]] = [
        {"text": ""},
        {"text": "x", "kind": "fax"},
        {"kind": "letter", "photo": b"x", "photo_type": "text/html"},
        {"text": "x", "kind": "visit", "happened_at": now() + timedelta(days=1)},
    ]
    for values in bad:
        with pytest.raises(WorkError):
            services.note_write(carl, contact_id=ada.pk, **values)
    with pytest.raises(NotAllowed):
        services.note_delete(cast.viewer(cast.ines), note.pk)
    services.note_delete(cast.viewer(cast.olga), note.pk)


def test_promises_are_kept_broken_and_taken_back(cast: Cast, ada: Contact) -> None:
    other = contact_create(name="Ada L.")
    contact_merge(survivor=other, loser=ada)
    promise = services.promise_make(cast.viewer(cast.carl), contact_id=ada.pk, what="a bell")
    assert (promise.contact_id, promise.who_id) == (other.pk, cast.carl.id)
    assert services.promise_keep(cast.viewer(cast.carl), promise.pk).kept_at is not None
    broken = services.promise_break(cast.viewer(cast.carl), promise.pk)
    assert (broken.kept_at, broken.broken_at is None) == (None, False)
    assert services.promise_reopen(cast.viewer(cast.carl), promise.pk).broken_at is None


def test_what_is_due_is_told_once(cast: Cast, ada: Contact) -> None:
    carl = cast.viewer(cast.carl)
    services.task_create(carl, title="soon", assignee_id=cast.carl.id, due_at=now() + timedelta(days=1))
    services.task_create(carl, title="now", assignee_id=cast.carl.id, due_at=now() - timedelta(minutes=1))
    services.promise_make(carl, contact_id=ada.pk, what="tomorrow", due_at=now() + timedelta(hours=20))
    assert due_tell() == 2
    assert due_tell() == 0
    assert {r.body for r in notifications_page(carl).rows} == {"now", "tomorrow"}
