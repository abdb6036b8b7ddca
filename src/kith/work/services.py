"""What is to be done, what was said we would do, and what happened elsewhere. Each write takes the viewer who acts."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.text import clean
from kith.contacts.models import Contact
from kith.core import audit, blobs, events
from kith.teams.errors import NotAllowed
from kith.teams.models import Team, User
from kith.teams.selectors import viewer_of
from kith.teams.types import Viewer
from kith.work.models import Note, Promise, Task

PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "application/pdf")
LONGEST = 50_000


class WorkError(ValueError):
    """What can't be done, in words; `field` names the input to blame, if one is."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def _may(viewer: Viewer, scope_id: uuid.UUID | None = None) -> None:
    if not viewer.may_write or not viewer.sees(scope_id):
        raise NotAllowed(_("You may not change this."))


def _words(text: str, most: int, field: str) -> str:
    found = " ".join(clean(text).split())[:most]
    if not found:
        raise WorkError(_("Say what it is about."), field=field)
    return found


def _canonical(contact_id: uuid.UUID) -> uuid.UUID:
    found = Contact.objects.filter(pk=contact_id, canonical__deleted_at=None).values_list(
        "canonical_id", flat=True
    )
    key = found.first()
    if key is None:
        raise WorkError(_("There is no such person."), field="contact")
    return key


def _colleague(user_id: uuid.UUID | None, scope_id: uuid.UUID | None) -> uuid.UUID | None:
    """The user, if they work here and may see what it is about."""
    if user_id is None:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not viewer_of(user).sees(scope_id):
        raise WorkError(_("This colleague can't see it."), field="assignee")
    return user.pk


def _team(team_id: uuid.UUID | None) -> uuid.UUID | None:
    if team_id is not None and not Team.objects.filter(pk=team_id).exists():
        raise WorkError(_("There is no such team."), field="team")
    return team_id


@transaction.atomic
def task_create(
    viewer: Viewer,
    *,
    title: str,
    contact_id: uuid.UUID | None = None,
    details: str = "",
    assignee_id: uuid.UUID | None = None,
    team_id: uuid.UUID | None = None,
    due_at: datetime | None = None,
    message_id: uuid.UUID | None = None,
    scope_id: uuid.UUID | None = None,
) -> Task:
    """Something to do; `scope_id` is that of the message it came from, and says who sees it. Raises WorkError."""
    _may(viewer, scope_id)
    task = Task.objects.create(
        title=_words(title, 300, "title"),
        details=clean(details)[:LONGEST],
        contact_id=_canonical(contact_id) if contact_id else None,
        assignee_id=_colleague(assignee_id, scope_id),
        team_id=_team(team_id),
        due_at=due_at,
        created_by_id=viewer.user_id,
        message_id=message_id,
        scope_id=scope_id,
    )
    audit.record("task_created", "task", task.pk)
    events.record("task_created", [task.pk])
    return task


def _task(viewer: Viewer, task_id: uuid.UUID) -> Task:
    task = Task.objects.select_for_update(of=("self",)).filter(pk=task_id).first()
    if task is None:
        raise NotAllowed(_("You may not change this."))
    _may(viewer, task.scope_id)
    return task


@transaction.atomic
def task_update(viewer: Viewer, task_id: uuid.UUID, **values: Any) -> Task:
    """Change `title`, `details`, `assignee_id`, `team_id` or `due_at`; other names raise TypeError."""
    if unknown := set(values) - {"title", "details", "assignee_id", "team_id", "due_at"}:
        raise TypeError(f"not columns that change: {sorted(unknown)}")
    task = _task(viewer, task_id)
    if "title" in values:
        values["title"] = _words(values["title"], 300, "title")
    if "assignee_id" in values:
        values["assignee_id"] = _colleague(values["assignee_id"], task.scope_id)
    if "team_id" in values:
        values["team_id"] = _team(values["team_id"])
    for name, value in values.items():
        setattr(task, name, value)
    task.save(update_fields=list(values))
    audit.record("task_changed", "task", task.pk, what=sorted(values))
    return task


@transaction.atomic
def task_complete(viewer: Viewer, task_id: uuid.UUID) -> Task:
    """Done, by the viewer; done already stays as it was. `task_reopen` takes it back."""
    task = _task(viewer, task_id)
    if task.done_at is None:
        task.done_at, task.done_by_id = now(), viewer.user_id
        task.save(update_fields=["done_at", "done_by"])
        audit.record("task_completed", "task", task.pk)
        events.record("task_completed", [task.pk])
    return task


@transaction.atomic
def task_reopen(viewer: Viewer, task_id: uuid.UUID) -> Task:
    task = _task(viewer, task_id)
    if task.done_at is not None:
        task.done_at, task.done_by_id = None, None
        task.save(update_fields=["done_at", "done_by"])
        audit.record("task_reopened", "task", task.pk)
    return task


@transaction.atomic
def task_delete(viewer: Viewer, task_id: uuid.UUID) -> None:
    task = _task(viewer, task_id)
    audit.record("task_deleted", "task", task.pk)
    task.delete()


@transaction.atomic
def note_write(
    viewer: Viewer,
    *,
    contact_id: uuid.UUID,
    text: str = "",
    kind: str = Note.Kind.NOTE,
    happened_at: datetime | None = None,
    photo: bytes | None = None,
    photo_type: str = "",
    scope_id: uuid.UUID | None = None,
) -> Note:
    """Write down a remark, or what happened elsewhere; a letter may come with its photo (JPEG, PNG, WebP, GIF, PDF).

    `scope_id` says who sees it; None: every colleague.
    """
    _may(viewer, scope_id)
    if kind not in Note.Kind.values:
        raise WorkError(_("There is no such kind of note."), field="kind")
    words = clean(text).strip()[:LONGEST]
    if not words and not photo and kind == Note.Kind.NOTE:
        raise WorkError(_("There is nothing in this note yet."), field="text")
    if happened_at is not None and happened_at > now() and kind != Note.Kind.NOTE:
        raise WorkError(_("It can't have happened in the future."), field="happened_at")
    digest = ""
    if photo:
        if photo_type not in PHOTO_TYPES:
            raise WorkError(_("This must be a picture or a PDF."), field="photo")
        digest, _size = blobs.put(photo)
    note = Note.objects.create(
        contact_id=_canonical(contact_id),
        kind=kind,
        text=words,
        happened_at=happened_at or now(),
        author_id=viewer.user_id,
        photo=digest,
        photo_type=photo_type if digest else "",
        scope_id=scope_id,
    )
    audit.record("note_written", "contact", note.contact_id, kind=kind)
    events.record("contact_note_written", [note.pk])
    return note


def _note(viewer: Viewer, note_id: uuid.UUID) -> Note:
    note = Note.objects.select_for_update(of=("self",)).filter(pk=note_id).first()
    if note is None:
        raise NotAllowed(_("You may not change this."))
    _may(viewer, note.scope_id)
    return note


@transaction.atomic
def note_update(viewer: Viewer, note_id: uuid.UUID, *, text: str) -> Note:
    """The words of one's own note, anew."""
    note = _note(viewer, note_id)
    if note.author_id != viewer.user_id:
        raise NotAllowed(_("Only who wrote a note may change it."))
    note.text = clean(text).strip()[:LONGEST]
    note.save(update_fields=["text"])
    audit.record("note_changed", "contact", note.contact_id, kind=note.kind)
    return note


@transaction.atomic
def note_pin(viewer: Viewer, note_id: uuid.UUID, *, pinned: bool = True) -> Note:
    note = _note(viewer, note_id)
    note.pinned = pinned
    note.save(update_fields=["pinned"])
    return note


@transaction.atomic
def note_delete(viewer: Viewer, note_id: uuid.UUID) -> None:
    """One's own note; those who manage may delete any."""
    note = _note(viewer, note_id)
    if note.author_id != viewer.user_id and viewer.role not in ("owner", "admin", "manager"):
        raise NotAllowed(_("Only who wrote a note may delete it."))
    audit.record("note_deleted", "contact", note.contact_id, kind=note.kind)
    note.delete()


@transaction.atomic
def promise_make(
    viewer: Viewer,
    *,
    contact_id: uuid.UUID,
    what: str,
    who_id: uuid.UUID | None = None,
    due_at: datetime | None = None,
    condition: str = "",
    quote: str = "",
    message_id: uuid.UUID | None = None,
    scope_id: uuid.UUID | None = None,
) -> Promise:
    """Something we said we would do, by a day or on a condition; `who_id` (the viewer by default) keeps it."""
    _may(viewer, scope_id)
    promise = Promise.objects.create(
        contact_id=_canonical(contact_id),
        who_id=_colleague(who_id or viewer.user_id, scope_id),
        what=_words(what, 300, "what"),
        quote=clean(quote)[:LONGEST],
        message_id=message_id,
        scope_id=scope_id,
        due_at=due_at,
        condition=clean(condition)[:200],
    )
    audit.record("promise_made", "contact", promise.contact_id)
    events.record("promise_made", [promise.pk])
    return promise


@transaction.atomic
def _settle(viewer: Viewer, promise_id: uuid.UUID, action: str, **columns: datetime | None) -> Promise:
    promise = Promise.objects.select_for_update(of=("self",)).filter(pk=promise_id).first()
    if promise is None:
        raise NotAllowed(_("You may not change this."))
    _may(viewer, promise.scope_id)
    promise.kept_at, promise.broken_at = columns.get("kept_at"), columns.get("broken_at")
    promise.save(update_fields=["kept_at", "broken_at"])
    audit.record(action, "contact", promise.contact_id)
    events.record(action, [promise.pk])
    return promise


def promise_keep(viewer: Viewer, promise_id: uuid.UUID) -> Promise:
    return _settle(viewer, promise_id, "promise_kept", kept_at=now())


def promise_break(viewer: Viewer, promise_id: uuid.UUID) -> Promise:
    """It will not be kept; said, so that nobody waits for it."""
    return _settle(viewer, promise_id, "promise_broken", broken_at=now())


def promise_reopen(viewer: Viewer, promise_id: uuid.UUID) -> Promise:
    """Undo of keep and break."""
    return _settle(viewer, promise_id, "promise_reopened")
