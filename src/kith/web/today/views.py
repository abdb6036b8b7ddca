"""Today: whom I owe an answer, what is due, what nobody has taken yet, and what comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone

from kith.web import pages
from kith.web.access import SignedIn, reading, signed_in
from kith.work.models import Promise, Task
from kith.workspace.today import today as todays


@dataclass(frozen=True, slots=True)
class Due:
    id: UUID
    kind: str
    text: str
    contact_id: UUID | None
    name: str
    due_at: datetime | None
    overdue: bool


def _due(rows: Iterable[Task | Promise], start: datetime) -> list[Due]:
    return [
        Due(
            row.pk,
            "task" if isinstance(row, Task) else "promise",
            row.title if isinstance(row, Task) else row.what,
            row.contact.canonical_id if row.contact else None,
            (row.contact.preferred_name or row.contact.name) if row.contact else "",
            row.due_at,
            bool(row.due_at and row.due_at < start),
        )
        for row in rows
    ]


@reading
@signed_in
def today(request: SignedIn) -> HttpResponse:
    start = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=1)
    found = todays(request.viewer)
    far = end + timedelta(days=3650)

    def by_day(rows: list[Due]) -> list[Due]:
        return sorted(rows, key=lambda item: item.due_at or far)

    promised = [p for p in found.promises if p.due_at and p.due_at < end]
    waiting = [row for row in found.waiting if row.waiting_since]
    ids = {row.conversation_id for row in waiting}
    due = by_day(_due(found.tasks, start) + _due(promised, start))
    context = {
        "day": start,
        "waiting": waiting,
        "mentions": [row for row in found.mentions if row.conversation_id not in ids],
        "unassigned": found.unassigned,
        "due": due,
        "overdue": sum(1 for item in due if item.overdue),
        "coming": by_day(
            _due(found.tasks_later, start) + _due([p for p in found.promises if p not in promised], start)
        )[:8],
    }
    return pages.page(request, "today/today.html", context, section="today")
