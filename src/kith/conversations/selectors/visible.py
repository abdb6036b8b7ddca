"""What of a conversation a viewer may see."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet

from kith.contacts.models import Identity
from kith.conversations.models import Participant, Thread
from kith.core import sql
from kith.teams.types import Viewer


def threads_visible(viewer: Viewer, conversation_id: uuid.UUID) -> list[Thread]:
    """The threads of a conversation that the viewer may see, newest first; none: they may not see it at all."""
    return list(
        Thread.objects.filter(conversation_id=conversation_id, scope_id__in=viewer.scope_ids)
        .select_related("channel_account")
        .order_by("-last_at", "-id")
    )


def conversation_scopes(viewer: Viewer, conversation_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
    """The scopes in which the viewer sees a conversation."""
    return tuple(
        Thread.objects.filter(conversation_id=conversation_id, scope_id__in=viewer.scope_ids)
        .values_list("scope_id", flat=True)
        .distinct()
    )


def conversations_seen_by(viewer: Viewer, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these conversations a viewer may see."""
    return set(
        Thread.objects.filter(conversation_id__in=ids, scope_id__in=viewer.scope_ids).values_list(
            "conversation_id", flat=True
        )
    )


def identities_seen(viewer: Viewer) -> QuerySet[Identity]:
    """Those of people, and those who take part in a message that the viewer may see."""
    rows = Identity.objects.select_related("contact")
    if viewer.sees_all:
        return rows
    seen = Participant.objects.filter(
        identity=OuterRef("pk"), message__copies__scope_id__in=viewer.scope_ids
    ).exclude(role="bcc", message__direction="in")
    return rows.filter(Q(contact__isnull=False) | Exists(seen))


_RESOLVE = """
WITH RECURSIVE up AS (
    SELECT id, joined_into_id, 0 AS depth FROM conversations_conversation WHERE id = %(id)s
    UNION ALL
    SELECT c.id, c.joined_into_id, up.depth + 1 FROM up JOIN conversations_conversation c ON c.id = up.joined_into_id
    WHERE up.depth < 50 AND NOT EXISTS (SELECT 1 FROM conversations_thread t WHERE t.conversation_id = up.id)
)
SELECT id FROM up ORDER BY depth DESC LIMIT 1
"""


def conversation_resolve(conversation_id: uuid.UUID) -> uuid.UUID | None:
    """The conversation that holds what stood under an id, after joins; None when there never was one."""
    found = sql.rows(_RESOLVE, {"id": conversation_id})
    return found[0][0] if found else None
