"""Background work of conversations."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.conversations.models import Conversation, ConversationLogEntry, ConversationScope, Presence
from kith.conversations.services.refresh import conversations_refresh
from kith.core.jobs import job
from kith.teams.notifications import notify
from kith.teams.selectors import viewer_of

BATCH = 200


@job("conversations.wake_snoozed", every="* * * * *")
def wake_snoozed() -> None:
    """Open the conversations whose time has come, and tell who has them."""
    while len(snoozed_wake()) == BATCH:
        pass
    Presence.objects.filter(seen_at__lt=now() - timedelta(minutes=5)).delete()


def snoozed_wake() -> list[uuid.UUID]:
    """Open up to 200 conversations whose snooze is over; returns their ids."""
    with transaction.atomic():
        rows = list(
            Conversation.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(status=Conversation.Status.SNOOZED, snoozed_until__lte=now())
            .select_related("assignee")
            .order_by("snoozed_until", "pk")[:BATCH]
        )
        ids = [row.pk for row in rows]
        Conversation.objects.filter(pk__in=ids).update(status=Conversation.Status.OPEN, snoozed_until=None)
        ConversationLogEntry.objects.bulk_create(
            ConversationLogEntry(conversation_id=key, kind="woke", details={}) for key in ids
        )
        conversations_refresh(ids)
        for row in rows:
            if row.assignee is None:
                continue
            shown = (
                ConversationScope.objects.filter(
                    conversation_id=row.pk, scope_id__in=viewer_of(row.assignee).scope_ids
                )
                .order_by("-last_at")
                .first()
            )
            if shown is not None:
                notify(
                    [row.assignee.pk],
                    kind="snooze",
                    title=lambda: _("A conversation is back"),
                    body=shown.subject or shown.snippet,
                    path=f"/inbox/{row.pk}/",
                    subject_id=row.pk,
                    scope_id=shown.scope_id,
                )
    return ids
