"""Open conversations pass on when a colleague leaves."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from kith.conversations.models import Conversation, ConversationLogEntry
from kith.conversations.services.refresh import conversations_refresh
from kith.core import audit
from kith.teams import handover
from kith.teams.models import Team, User


def register() -> None:
    handover.register("conversations", _("Open conversations"), count=_count, move=_move)


def _open(user_id: uuid.UUID) -> QuerySet[Conversation]:
    return Conversation.objects.filter(assignee_id=user_id).exclude(status=Conversation.Status.CLOSED)


def _count(user_id: uuid.UUID) -> int:
    return _open(user_id).count()


def _move(user: User, *, to_user: User | None, to_team: Team | None) -> int:
    ids = list(_open(user.id).select_for_update().values_list("id", flat=True))
    rows = Conversation.objects.filter(pk__in=ids)
    if to_team is None:
        rows.update(assignee=to_user)
    else:
        rows.update(assignee=None, team=to_team)
    ConversationLogEntry.objects.bulk_create(
        ConversationLogEntry(
            conversation_id=pk,
            kind="handed_over",
            actor_id=audit.current().id,
            details={
                "from": str(user.id),
                "to": str(to_user.id) if to_user else None,
                "team": str(to_team.id) if to_team else None,
            },
        )
        for pk in ids
    )
    conversations_refresh(ids)
    return len(ids)
