"""What `conversations` takes and gives."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kith.contacts.types import ObservedIdentity


@dataclass(frozen=True, slots=True)
class IncomingParticipant:
    identity: ObservedIdentity
    role: str
    verified: str = "none"


@dataclass(frozen=True, slots=True)
class IncomingAttachment:
    file_name: str
    content_type: str
    size: int = 0
    digest: str = ""
    content_id: str = ""
    inline: bool = False
    alt_text: str = ""
    source_url: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch was seen: one of our channel accounts, with its scope. `history_until`: older arrives closed."""

    network: str
    scope_id: uuid.UUID
    channel_account_id: uuid.UUID | None = None
    history_until: datetime | None = None
    team_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """One message as a channel understood it; `thread_keys` are ranked, `own_key` is the one that it founds."""

    external_id: str
    at: datetime
    participants: tuple[IncomingParticipant, ...]
    text: str
    subject: str = ""
    subject_key: str = ""
    html: str = ""
    outgoing: bool = False
    from_own_store: bool = (
        False  # read from our own Sent folder or account: the network vouches that we sent it
    )
    thread_keys: tuple[str, ...] = ()
    own_key: str = ""
    visibility: str = "private"
    automatic: str = (
        ""  # why it belongs into the held tray: auto_reply, bounce, list, notification, spam,
        # system; "mention" (told by a machine of something elsewhere) does not belong there
    )
    quote_at: int | None = None
    signature_at: int | None = None
    attachments: tuple[IncomingAttachment, ...] = ()
    unreadable: str = ""
    language: str = ""
    url: str = ""
    content_warning: str = ""
    in_reply_to: str = ""
    authentication: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    raw_id: uuid.UUID | None = None
    folder: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one incoming message, in the order given."""

    message_id: uuid.UUID
    conversation_id: uuid.UUID
    thread_id: uuid.UUID
    is_new: bool
    is_history: bool = False


@dataclass(frozen=True, slots=True)
class PostSeen:
    """A public item as somebody found it. `scope_id` and `message_id`: of the message that it was made of, if of one."""

    network: str
    external_id: str
    published_at: datetime
    text: str
    author_external_id: str = ""
    author_handle: str = ""
    author_name: str = ""
    realm: str = ""
    url: str = ""
    language: str = ""
    place: str = ""
    raw: bytes | None = field(default=None, repr=False)
    message_id: uuid.UUID | None = None
    scope_id: uuid.UUID | None = None
