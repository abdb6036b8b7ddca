"""Assignment rules that name a colleague pass on when they leave; left to nobody, they are switched off."""

from __future__ import annotations

import uuid

from django.utils.translation import gettext_lazy as _

from kith.engagement.models import AssignmentRule
from kith.teams import handover
from kith.teams.models import Team, User


def register() -> None:
    handover.register("assignment_rules", _("Assignment rules"), count=_count, move=_move)


def _count(user_id: uuid.UUID) -> int:
    return AssignmentRule.objects.filter(assignee_id=user_id).count()


def _move(user: User, *, to_user: User | None, to_team: Team | None) -> int:
    mine = AssignmentRule.objects.filter(assignee=user)
    if to_user is not None:
        return mine.update(assignee=to_user)
    if to_team is not None:
        return mine.update(assignee=None, team=to_team)
    moved = mine.filter(team=None).update(enabled=False, assignee=None)
    return moved + AssignmentRule.objects.filter(assignee=user).update(assignee=None)
