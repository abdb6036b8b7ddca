"""What a colleague has to do today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from kith.base.clock import now
from kith.teams.types import Viewer
from kith.work.models import Promise, Task
from kith.work.selectors import promises_open, tasks_open
from kith.workspace.inbox import InboxRow, InboxView, inbox_page


@dataclass(frozen=True, slots=True)
class Today:
    """Who waits for me, longest first; my tasks due by tonight (and those without a day); promises due within a week."""

    waiting: tuple[InboxRow, ...]
    unassigned: tuple[InboxRow, ...]
    mentions: tuple[InboxRow, ...]
    tasks: tuple[Task, ...]
    tasks_later: tuple[Task, ...]
    promises: tuple[Promise, ...]


def today(viewer: Viewer, *, limit: int = 20) -> Today:
    """By the viewer's own time zone, which the request has activated."""
    midnight = timezone.localtime(now()).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
        days=1
    )
    mine = InboxView("waiting", assignee_id=viewer.user_id)
    tasks = list(tasks_open(viewer, mine=True)[: limit * 2])
    due = [t for t in tasks if t.due_at is None or t.due_at < midnight]
    return Today(
        waiting=inbox_page(viewer, mine, limit=limit).rows,
        unassigned=inbox_page(viewer, InboxView("unassigned"), limit=5).rows,
        mentions=inbox_page(viewer, InboxView("for_me", statuses=("open",), unread=True), limit=limit).rows,
        tasks=tuple(due[:limit]),
        tasks_later=tuple(t for t in tasks if t not in due)[:limit],
        promises=tuple(promises_open(viewer, mine=True, due_before=midnight + timedelta(days=7))[:limit]),
    )
