"""What the gate is asked and what it answers: plain values, no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal[
    "reply", "acknowledgement", "transactional", "campaign", "sequence", "outreach", "link_identity", "infer"
]
Channel = Literal["email", "sms", "phone", "letter", "public", "direct", "none"]
Outcome = Literal["allow", "hold", "deny"]


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """What the connector's manifest declares of its network."""

    title: str = ""
    text_length: int | None = None
    reply_window_hours: int | None = None
    may_start_conversation: bool = True
    automatic_reply: bool = True
    sends: bool = True


@dataclass(frozen=True, slots=True)
class ProposedTouch:
    kind: Kind
    channel: Channel
    actor: Literal["person", "automation"] = "person"
    purpose: str = "service"
    text_length: int = 0
    answers_inbound: bool = False  # in a conversation in which they wrote to us


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What is known about the person at the other end, gathered under a lock. Defaults are the safe side."""

    suppressed: frozenset[str] = frozenset()  # channels, or "all"
    blocked: bool = False
    bounced: bool = False
    last_inbound_at: datetime | None = None
    message_automatic: bool = False
    sender_authenticated: bool = False
    automatic_replies_24h: int = 0
    is_us: bool = False
    is_automated: bool = False
    flags: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` is a message id with its values, so that it can be read in any language (see `sentences`)."""

    outcome: Outcome
    rule: str
    values: dict[str, str] = field(default_factory=dict)
    until: datetime | None = None
