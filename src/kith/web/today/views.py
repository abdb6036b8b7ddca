"""Today: whom I owe an answer, what is due, what we promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone

from kith.web import pages
from kith.web.access import SignedIn, signed_in
from kith.web.people.card import visible
from kith.work.models import Promise, Task
from kith.workspace.inbox import InboxView, inbox_page


@dataclass(frozen=True, slots=True)
class Due:
    id: UUID
    kind: str
    text: str
    contact_id: UUID | None
    name: str
    due_at: datetime
    overdue: bool


def _due(rows: QuerySet[Any], kind: str, start: datetime) -> list[Due]:
    return [
        Due(
            row.pk,
            kind,
            row.title if kind == "task" else row.what,
            row.contact.canonical_id if row.contact else None,
            (row.contact.name or row.contact.preferred_name) if row.contact else "",
            row.due_at,
            row.due_at < start,
        )
        for row in rows.select_related("contact").order_by("due_at")[:50]
    ]


@signed_in
def today(request: SignedIn) -> HttpResponse:
    start = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=1)
    mine = inbox_page(request.viewer, InboxView("mine"), limit=30).rows
    tasks = visible(Task.objects.filter(assignee=request.user, done_at=None, due_at__lt=end), request.viewer)
    promises = visible(
        Promise.objects.filter(who=request.user, kept_at=None, broken_at=None, due_at__lt=end), request.viewer
    )
    due = sorted(_due(tasks, "task", start) + _due(promises, "promise", start), key=lambda item: item.due_at)
    waiting = sorted((row for row in mine if row.waiting_since), key=lambda row: row.waiting_since or end)
    context = {"waiting": waiting, "due": due, "day": start}
    return pages.page(request, "today/today.html", context, section="today")
