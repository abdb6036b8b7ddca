"""A message as the network sent it, for those who see the channel that it came by."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from kith.channels.models import RawItem
from kith.channels.receive import body_of
from kith.conversations.models import Message
from kith.networks.selectors import manifest_of
from kith.teams.types import Viewer


@dataclass(frozen=True, slots=True)
class Raw:
    """`content` are the bytes that came; `is_mail`: they begin with headers."""

    content: bytes = field(repr=False)
    is_mail: bool
    size: int


def raw_of(viewer: Viewer, message_id: uuid.UUID) -> Raw | None:
    """The bytes of a message; None where they are not kept, or came by a channel that the viewer does not see: a copy in
    another mailbox has headers (blind copies) that are nobody else's business."""
    message = Message.objects.filter(pk=message_id).first()
    if message is None or message.raw_id is None:
        return None
    raw = RawItem.objects.filter(pk=message.raw_id, channel_account__scope_id__in=viewer.scope_ids).first()
    if raw is None:
        return None
    try:
        content = body_of(raw)
    except OSError:
        return None
    manifest = manifest_of(message.network)
    is_mail = manifest is not None and manifest.medium == "mail" and not content.lstrip().startswith(b"{")
    return Raw(content, is_mail, len(content)) if content else None
