"""What the conversation screens get: frozen, in plain values."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kith.contacts.selectors import IdentityName


@dataclass(frozen=True, slots=True)
class PersonOption:
    """A colleague by name."""

    id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class TagView:
    id: uuid.UUID
    name: str
    color: str


@dataclass(frozen=True, slots=True)
class ThreadView:
    id: uuid.UUID
    scope_id: uuid.UUID
    scope_name: str
    network: str
    network_title: str
    visibility: str
    subject: str
    channel_account_id: uuid.UUID | None
    channel_account: str
    identity_id: uuid.UUID | None
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ReplyChannel:
    """One way to answer: from one of our channel accounts, seen by whom, to which identity.

    `thread_id` None starts a thread there. `reply_to_id`: the message that would be answered. `starts`: nobody wrote to
    us this way yet. Limits are those of the network, `length_unit` characters, graphemes or bytes.
    """

    channel_account_id: uuid.UUID
    account: str
    address: str
    network: str
    network_title: str
    icon: str
    medium: str
    visibility: str
    thread_id: uuid.UUID | None
    reply_to_id: uuid.UUID | None
    identity_id: uuid.UUID | None
    identity: str
    handle: str
    subject: str
    supports_subject: bool
    supports_html: bool
    supports_attachments: bool
    text_length: int | None
    length_unit: str
    starts: bool


@dataclass(frozen=True, slots=True)
class LogItem:
    """What a colleague did. `details` hold names where ids alone would tell nothing."""

    id: uuid.UUID
    at: datetime
    kind: str
    actor_id: uuid.UUID | None
    actor: str
    details: Mapping[str, Any]
    can_undo: bool
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A conversation's head. `subject` and `networks` tell of visible threads only; reply channels: the best first.

    `last_message_id`: what arrived last; given back as `last_seen` when somebody answers (see `answer_conflict`).
    """

    id: uuid.UUID
    status: str
    subject: str
    priority: int
    tray: str
    snoozed_until: datetime | None
    waiting_since: datetime | None
    first_response_at: datetime | None
    last_at: datetime | None
    last_message_id: uuid.UUID | None
    message_count: int
    is_public: bool
    networks: tuple[str, ...]
    assignee: PersonOption | None
    team: PersonOption | None
    person: IdentityName | None
    participants: tuple[IdentityName, ...]
    threads: tuple[ThreadView, ...]
    tags: tuple[TagView, ...]
    log: tuple[LogItem, ...]
    reply_channels: tuple[ReplyChannel, ...]
    may_write: bool
    complaint: bool = False


@dataclass(frozen=True, slots=True)
class FileView:
    """An attachment; `digest` is "" until its bytes were fetched."""

    id: uuid.UUID
    file_name: str
    content_type: str
    size: int
    digest: str
    inline: bool
    alt_text: str


@dataclass(frozen=True, slots=True)
class ParticipantView:
    person: IdentityName
    role: str
    verified: str


@dataclass(frozen=True, slots=True)
class ReactionView:
    reaction: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessageItem:
    """One message or note. `text` holds at most 40,000 characters (`truncated` says so); the quote begins at `quote_at`.

    `warning`: "forged" (the sender's proof failed), "unproven", or "". `verdict`: why it was held back, in the reader's
    language; `verdict_outcome` hold or deny. `override`: why a person sent it anyway, and `override_by` who. `has_raw`:
    its bytes as the network sent them are kept. `failure`: what a bounce said, "" for none.
    """

    id: uuid.UUID
    at: datetime
    direction: str
    state: str
    network: str
    network_title: str
    visibility: str
    thread_id: uuid.UUID
    sender: IdentityName | None
    author_id: uuid.UUID | None
    name: str
    initials: str
    avatar: str
    is_us: bool
    subject: str
    text: str
    truncated: bool
    has_html: bool
    quote_at: int | None
    signature_at: int | None
    automatic: str
    unreadable: str
    url: str
    content_warning: str
    language: str
    edited_at: datetime | None
    deleted_upstream_at: datetime | None
    warning: str
    authentication: Mapping[str, Any]
    verdict: str
    verdict_until: datetime | None
    verdict_outcome: str
    override: str
    override_by: str
    has_raw: bool
    failure: str
    participants: tuple[ParticipantView, ...]
    files: tuple[FileView, ...]
    reactions: tuple[ReactionView, ...]
    mentions: tuple[uuid.UUID, ...]
    labels: tuple[str, ...]

    @property
    def others(self) -> list[ParticipantView]:
        """To whom else it went: everybody but its sender and us."""
        return [p for p in self.participants if p.role in ("to", "cc", "bcc") and p.person.kind != "us"]


@dataclass(frozen=True, slots=True)
class MessagesPage:
    """Messages, notes and log entries, oldest first. `before` and `after` are cursors; None: nothing there."""

    items: tuple[MessageItem | LogItem, ...]
    before: str | None
    after: str | None
