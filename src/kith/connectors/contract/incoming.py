"""What comes in: people, files, events, and the raw items that they are read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

Role = Literal["from", "to", "cc", "bcc", "reply_to", "sender", "mentioned", "member"]
Visibility = Literal["private", "public"]
Verified = Literal["none", "network", "dmarc", "signature", "failed"]


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody on a network. `external_id` is the stable id (DID, account id, lower-cased address), never a handle.

    `realm` is where that id is unique ("" when it is everywhere; a server's name for numeric account ids).
    `verified` says how we know that it was them: by the network itself, by DMARC, ... "failed" is a likely forgery.
    """

    external_id: str
    handle: str = ""
    display_name: str = ""
    realm: str = ""
    role: Role = "from"
    verified: Verified = "none"
    is_us: bool = False
    automated: bool = False
    profile_url: str = ""
    avatar_url: str = ""
    flags: tuple[str, ...] = ()  # "noindex", "protected"
    network: str = ""  # when it is not the connector's own (an e-mail address typed into a chat)


@dataclass(frozen=True, slots=True)
class Media:
    """A file with a message: its bytes, or a path of the parsing child's folder, or an address to fetch it from."""

    file_name: str
    content_type: str
    size: int = 0
    content: bytes | None = field(default=None, repr=False)
    path: str = ""
    url: str = ""
    content_id: str = ""
    inline: bool = False
    alt_text: str = ""


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message or post. `thread_keys` are ranked: the first that is already known decides the thread.

    `text` is plain text, whole; `html` is raw and unsafe. `quote_at` and `signature_at` are offsets in `text` at
    which the quoted part and the signature begin (None: there is none).
    """

    external_id: str
    at: datetime
    parties: tuple[Party, ...]
    text: str
    kind: ClassVar[str] = "message_received"
    thread_keys: tuple[str, ...] = ()
    own_thread_key: str = ""
    in_reply_to: str = ""
    subject: str = ""
    html: str = ""
    language: str = ""
    visibility: Visibility = "private"
    media: tuple[Media, ...] = ()
    outgoing: bool = False
    automatic: Literal["", "auto_reply", "bounce", "list", "notification", "system"] = ""
    spam: bool = False
    bounced: tuple[str, ...] = ()  # addresses that bounced
    bounce_of: str = ""  # external id of our message that bounced
    quote_at: int | None = None
    signature_at: int | None = None
    content_warning: str = ""
    url: str = ""
    authentication: Mapping[str, str] = field(default_factory=dict)  # {"spf": "pass", ...}
    unreadable: str = ""  # why it could not be parsed; `text` then holds what could be saved
    list_id: str = ""
    mention_network: str = ""  # a notification mail about this network, for "answer there"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MessageEdited:
    external_id: str
    at: datetime
    text: str
    kind: ClassVar[str] = "message_edited"
    html: str = ""


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    external_id: str
    at: datetime
    kind: ClassVar[str] = "message_deleted"


@dataclass(frozen=True, slots=True)
class ReactionReceived:
    external_id: str
    at: datetime
    party: Party
    on: str  # external id of the message
    reaction: str  # "like", "boost" or an emoji
    kind: ClassVar[str] = "reaction_received"


@dataclass(frozen=True, slots=True)
class FollowReceived:
    external_id: str
    at: datetime
    party: Party
    kind: ClassVar[str] = "follow_received"


@dataclass(frozen=True, slots=True)
class ProfileUpdated:
    external_id: str
    at: datetime
    party: Party
    kind: ClassVar[str] = "profile_updated"


@dataclass(frozen=True, slots=True)
class DeliveryChanged:
    external_id: str  # of our message
    at: datetime
    state: Literal["delivered", "read", "failed"]
    reason: str = ""
    kind: ClassVar[str] = "delivery_changed"


@dataclass(frozen=True, slots=True)
class StreamGap:
    """Items may have been missed between two times; the core fetches or shows it."""

    external_id: str
    at: datetime
    reason: str
    kind: ClassVar[str] = "stream_gap"


@dataclass(frozen=True, slots=True)
class Ignored:
    """Understood, and of no interest (`what` says which kind)."""

    external_id: str
    at: datetime
    what: str
    kind: ClassVar[str] = "ignored"


Event: TypeAlias = (
    MessageReceived
    | MessageEdited
    | MessageDeleted
    | ReactionReceived
    | FollowReceived
    | ProfileUpdated
    | DeliveryChanged
    | StreamGap
    | Ignored
)


@dataclass(frozen=True, slots=True)
class RawItem:
    """One thing as the network sent it. `external_id` makes receiving it twice harmless.

    `meta` is small and JSON (folder, uid, flags, how it came); `cursor`, when set, is the stream's position after it.
    """

    external_id: str
    body: bytes = field(repr=False)
    at: datetime | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of the rate limit; None where the network does not say."""

    remaining: int | None = None
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    items: tuple[RawItem, ...]
    cursor: str
    more: bool = False
    budget: Budget = Budget()
