"""Tasks and promises pass on when a colleague leaves."""

from __future__ import annotations

import uuid

from django.utils.translation import gettext_lazy as _

from kith.teams import handover
from kith.teams.models import Team, User
from kith.work.models import Promise, Task


def register() -> None:
    handover.register("tasks", _("Open tasks"), count=_count_tasks, move=_move_tasks)
    handover.register("promises", _("Open promises"), count=_count_promises, move=_move_promises)


def _count_tasks(user_id: uuid.UUID) -> int:
    return Task.objects.filter(assignee_id=user_id, done_at=None).count()


def _move_tasks(user: User, *, to_user: User | None, to_team: Team | None) -> int:
    mine = Task.objects.filter(assignee=user, done_at=None)
    return mine.update(assignee=to_user, team=to_team) if to_team else mine.update(assignee=to_user)


def _count_promises(user_id: uuid.UUID) -> int:
    return Promise.objects.filter(who_id=user_id, kept_at=None, broken_at=None).count()


def _move_promises(user: User, *, to_user: User | None, to_team: Team | None) -> int:
    """A promise is one person's; handed to a team it is nobody's until somebody takes it."""
    return Promise.objects.filter(who=user, kept_at=None, broken_at=None).update(who=to_user)
