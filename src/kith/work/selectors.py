"""Reads about tasks, notes and promises: with a scope, only for those who see it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from kith.core.asking import Ask
from kith.core.objects import objects_ask
from kith.teams.types import Viewer
from kith.work.models import Note, Promise, Task


def _seen(viewer: Viewer) -> Q:
    return Q(scope_id=None) | Q(scope_id__in=viewer.scope_ids)


def tasks_open(
    viewer: Viewer,
    *,
    mine: bool = False,
    due_before: datetime | None = None,
) -> QuerySet[Task]:
    """Tasks not done, those due first. `mine`: mine, and those of my teams that nobody has taken."""
    rows = Task.objects.filter(_seen(viewer), done_at=None)
    if mine:
        rows = rows.filter(Q(assignee_id=viewer.user_id) | Q(assignee=None, team_id__in=viewer.team_ids))
    if due_before is not None:
        rows = rows.filter(due_at__lt=due_before)
    return rows.select_related("assignee", "team", "contact").order_by(F("due_at").asc(nulls_last=True), "id")


def promises_open(
    viewer: Viewer,
    *,
    mine: bool = False,
    due_before: datetime | None = None,
) -> QuerySet[Promise]:
    """Promises neither kept nor broken, those due first."""
    rows = Promise.objects.filter(_seen(viewer), kept_at=None, broken_at=None)
    if mine:
        rows = rows.filter(who_id=viewer.user_id)
    if due_before is not None:
        rows = rows.filter(due_at__lt=due_before)
    return rows.select_related("who", "contact").order_by(F("due_at").asc(nulls_last=True), "id")


_OF_CONTACTS = "r.contact_id = ANY (%(contacts)s) AND (r.scope_id IS NULL OR r.scope_id = ANY (%(scopes)s))"


def _of_contacts(viewer: Viewer, contact_ids: Sequence[uuid.UUID]) -> dict[str, Any]:
    return {"contacts": list(contact_ids), "scopes": list(viewer.scope_ids)}


def contact_tasks_ask(viewer: Viewer, contact_ids: Sequence[uuid.UUID]) -> Ask:
    """What is to be done for a person, due first: up to 50 open tasks, with assignee and team."""
    where = f"{_OF_CONTACTS} AND r.done_at IS NULL ORDER BY r.due_at NULLS LAST, r.id LIMIT 50"
    return objects_ask(Task, where, _of_contacts(viewer, contact_ids), assignee="name", team="name")


def contact_tasks_done_ask(viewer: Viewer, contact_ids: Sequence[uuid.UUID]) -> Ask:
    """What was done for a person, and who did it; the newest 8."""
    where = f"{_OF_CONTACTS} AND r.done_at IS NOT NULL ORDER BY r.done_at DESC, r.id DESC LIMIT 8"
    return objects_ask(Task, where, _of_contacts(viewer, contact_ids), done_by="name")


def contact_promises_ask(viewer: Viewer, contact_ids: Sequence[uuid.UUID]) -> Ask:
    """All promises to a person, newest first: what is pending, and the list behind "1 of 3 kept"."""
    where = f"{_OF_CONTACTS} ORDER BY r.id DESC"
    return objects_ask(Promise, where, _of_contacts(viewer, contact_ids), who="name")


def notes_pinned_ask(viewer: Viewer, contact_ids: Sequence[uuid.UUID]) -> Ask:
    """Pinned notes about a person with their authors, the newest 20."""
    where = f"{_OF_CONTACTS} AND r.pinned ORDER BY r.happened_at DESC LIMIT 20"
    return objects_ask(Note, where, _of_contacts(viewer, contact_ids), author="name")


def note_photo(viewer: Viewer, note_id: uuid.UUID) -> tuple[str, str] | None:
    """(digest, content type) of a note's photo; None without one, and for a note that the viewer may not see."""
    rows = Note.objects.filter(_seen(viewer), pk=note_id).exclude(photo="")
    found = rows.values_list("photo", "photo_type").first()
    return (found[0], found[1]) if found else None
