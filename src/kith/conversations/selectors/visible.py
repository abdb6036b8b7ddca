"""What of a conversation a viewer may see."""

from __future__ import annotations

import uuid

from kith.conversations.models import Thread
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
