"""Attachments and messages by id, for those who may see a copy (law 3)."""

from __future__ import annotations

import uuid

from kith.conversations.models import Attachment, MessageCopy
from kith.teams.types import Viewer


def message_visible(viewer: Viewer, message_id: uuid.UUID) -> bool:
    """Whether the viewer may see any copy of a message (law 3)."""
    return MessageCopy.objects.filter(message_id=message_id, scope_id__in=viewer.scope_ids).exists()


def attachment_get(viewer: Viewer, attachment_id: uuid.UUID) -> Attachment | None:
    """An attachment with its message, or None when there is none that the viewer may see."""
    found = Attachment.objects.select_related("message").filter(pk=attachment_id).first()
    return found if found is not None and message_visible(viewer, found.message_id) else None
