"""Monitors and open mentions pass on when a colleague leaves."""

from __future__ import annotations

import uuid

from django.utils.translation import gettext_lazy as _

from kith.listening.models import Mention, Monitor
from kith.teams import handover
from kith.teams.models import Team, User


def register() -> None:
    handover.register("monitors", _("Searches of public talk"), count=_count_monitors, move=_move_monitors)
    handover.register("mentions", _("Open mentions"), count=_count_mentions, move=_move_mentions)


def _count_monitors(user_id: uuid.UUID) -> int:
    return Monitor.objects.filter(owner_id=user_id).exclude(state=Monitor.State.REMOVED).count()


def _move_monitors(user: User, *, to_user: User | None, to_team: Team | None) -> int:
    """A monitor is seen by those of its scope, whoever's it is; handed to a team it is nobody's."""
    return Monitor.objects.filter(owner=user).update(owner=to_user)


def _count_mentions(user_id: uuid.UUID) -> int:
    return Mention.objects.filter(assignee_id=user_id, state=Mention.State.OPEN).count()


def _move_mentions(user: User, *, to_user: User | None, to_team: Team | None) -> int:
    return Mention.objects.filter(assignee=user, state=Mention.State.OPEN).update(assignee=to_user)
