"""Reads about tasks, notes and promises: with a scope, only for those who see it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, Q, QuerySet

from kith.teams.types import Viewer
from kith.work.models import Note, Promise, Task


def _seen(viewer: Viewer) -> Q:
    return Q(scope_id=None) | Q(scope_id__in=viewer.scope_ids)


def tasks_open(
    viewer: Viewer,
    *,
    contact_ids: Sequence[uuid.UUID] | None = None,
    mine: bool = False,
    due_before: datetime | None = None,
) -> QuerySet[Task]:
    """Tasks not done, those due first. `mine`: mine, and those of my teams that nobody has taken."""
    rows = Task.objects.filter(_seen(viewer), done_at=None)
    if contact_ids is not None:
        rows = rows.filter(contact_id__in=contact_ids)
    if mine:
        rows = rows.filter(Q(assignee_id=viewer.user_id) | Q(assignee=None, team_id__in=viewer.team_ids))
    if due_before is not None:
        rows = rows.filter(due_at__lt=due_before)
    return rows.select_related("assignee", "team", "contact").order_by(F("due_at").asc(nulls_last=True), "id")


def promises_open(
    viewer: Viewer,
    *,
    contact_ids: Sequence[uuid.UUID] | None = None,
    mine: bool = False,
    due_before: datetime | None = None,
) -> QuerySet[Promise]:
    """Promises neither kept nor broken, those due first."""
    rows = Promise.objects.filter(_seen(viewer), kept_at=None, broken_at=None)
    if contact_ids is not None:
        rows = rows.filter(contact_id__in=contact_ids)
    if mine:
        rows = rows.filter(who_id=viewer.user_id)
    if due_before is not None:
        rows = rows.filter(due_at__lt=due_before)
    return rows.select_related("who", "contact").order_by(F("due_at").asc(nulls_last=True), "id")


def promises_of(viewer: Viewer, contact_ids: Sequence[uuid.UUID]) -> QuerySet[Promise]:
    """All promises to a person, newest first: the list behind "1 of 3 kept"."""
    return (
        Promise.objects.filter(_seen(viewer), contact_id__in=contact_ids)
        .select_related("who")
        .order_by("-id")
    )


def tasks_done(viewer: Viewer, contact_ids: Sequence[uuid.UUID]) -> QuerySet[Task]:
    """What was done for a person, and who did it; the newest first."""
    rows = Task.objects.filter(_seen(viewer), contact_id__in=contact_ids, done_at__isnull=False)
    return rows.select_related("done_by", "assignee").order_by("-done_at", "-id")


def notes_pinned(viewer: Viewer, contact_ids: Sequence[uuid.UUID]) -> QuerySet[Note]:
    return (
        Note.objects.filter(_seen(viewer), contact_id__in=contact_ids, pinned=True)
        .select_related("author")
        .order_by("-happened_at")
    )


def note_photo(viewer: Viewer, note_id: uuid.UUID) -> tuple[str, str] | None:
    """(digest, content type) of a note's photo; None without one, and for a note that the viewer may not see."""
    rows = Note.objects.filter(_seen(viewer), pk=note_id).exclude(photo="")
    found = rows.values_list("photo", "photo_type").first()
    return (found[0], found[1]) if found else None
