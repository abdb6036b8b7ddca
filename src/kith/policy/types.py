"""What the gate is asked and what it answers: plain values, no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from kith.policy.sentences import sentence

Kind = Literal[
    "reply", "acknowledgement", "transactional", "campaign", "sequence", "outreach", "link_identity", "infer"
]
Channel = Literal["email", "sms", "phone", "letter", "public", "direct", "none"]
Actor = Literal["person", "automation"]
Outcome = Literal["allow", "hold", "deny"]
Origin = Literal["told_us", "public_post", "purchase", "inferred", "third_party", "someone_elses_access"]
About = Literal["self", "gift", "unknown"]
Case = Literal["normal", "angry"]
Evidence = Literal["none", "self_declared", "public_statement", "guessed"]
# Who may send a held one anyway, always with a reason: its author; a manager; nobody, since it can be mended instead.
Approval = Literal["author", "manager", "nobody"]

KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
CHANNELS: tuple[Channel, ...] = Channel.__args__  # type: ignore[attr-defined]
SELLING: frozenset[str] = frozenset({"campaign", "sequence", "outreach"})
SENSITIVE: frozenset[str] = frozenset(
    ["health", "pregnancy", "finances", "politics", "race", "religion", "sex_life", "union", "crime", "minor"]
)


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """What the connector's manifest declares of its network."""

    title: str = ""
    text_length: int | None = None
    reply_window_hours: int | None = None
    may_start_conversation: bool = True
    automatic_reply: bool = True
    sends: bool = True
    may_link_identity: bool = True
    may_infer: bool = True


@dataclass(frozen=True, slots=True)
class FactUse:
    """A fact that a touch relies on: where we have it from, whom it is about, and which purposes it may serve."""

    attribute: str
    origin: Origin = "inferred"
    about: About = "unknown"
    deleted_upstream: bool = False
    purposes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ProposedTouch:
    """One outbound contact to one identity, before it is made. `text_length` as the network counts."""

    kind: Kind
    channel: Channel = "none"
    actor: Actor = "automation"
    purpose: str = ""
    division: str = ""
    name_used: str = ""
    urgent: bool = False
    based_on: tuple[FactUse, ...] = ()
    text_length: int = 0
    answers_inbound: bool = False  # in a conversation in which they wrote to us
    concludes: str = ""  # the attribute that an inference would add
    network: NetworkRules = field(default_factory=NetworkRules)


@dataclass(frozen=True, slots=True)
class PastTouch:
    """An outbound contact that was made or is planned: one line of the ledger."""

    at: datetime
    kind: str = "campaign"
    division: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What is known about the person at the other end, over all their identities. Defaults are the safe side.

    `consents` and `withdrawn` are pairs (channel, purpose); "all" stands for any. `wish_month`: what they chose
    themselves, at most so many selling touches in a month. `now` and all times are aware.
    """

    time_zone: str = ""
    preferred_name: str = ""
    name_confidence: float | None = None
    consents: frozenset[tuple[str, str]] = frozenset()
    withdrawn: frozenset[tuple[str, str]] = frozenset()
    unsubscribed: frozenset[str] = frozenset()
    suppressed: frozenset[str] = frozenset()
    objections: frozenset[str] = frozenset()
    wrote_on: frozenset[str] = frozenset()
    touches: tuple[PastTouch, ...] = ()
    last_inbound_at: datetime | None = None
    invited: bool = False
    customer: bool = False
    open_case: Case | None = None
    identity_evidence: Evidence = "none"
    flags: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    message_automatic: bool = False
    sender_authenticated: bool = False
    automatic_replies_24h: int = 0
    wish_month: int | None = None
    paused_until: datetime | None = None
    bounced: bool = False
    is_us: bool = False
    is_automated: bool = False


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` selling touches within `days` days."""

    name: str
    days: int
    limit: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Caps, the longest window first, and the hours between two selling touches."""

    caps: tuple[Cap, ...] = (Cap("year", 365, 18), Cap("month", 30, 3), Cap("week", 7, 1))
    gap_hours: float = 72.0


@dataclass(frozen=True, slots=True)
class Rules:
    """The company's policy: the numbers and words of `default.toml`, or of a file like it (`policy.file`)."""

    pace: Pace = Pace()
    segments: tuple[tuple[str, Pace], ...] = ()
    answer_days: float = 14.0
    quiet_from: float = 21.0  # hours of the day
    quiet_until: float = 8.0
    time_zone: str = "UTC"
    awake_hours: float = 1.0
    rings: frozenset[str] = frozenset({"phone", "sms"})
    name_confidence: float = 0.7
    consent_channels: frozenset[str] = frozenset({"email", "sms", "phone", "direct"})
    similar_channels: frozenset[str] = frozenset({"email"})
    service_purposes: frozenset[str] = frozenset({"service"})
    basis: tuple[tuple[str, str], ...] = ()  # purpose -> "consent", "contract" or "interest"


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` is stable; `values` fill its sentence in any language; `reason` is that sentence in English."""

    outcome: Outcome
    rule: str
    values: dict[str, str] = field(default_factory=dict)
    until: datetime | None = None

    @property
    def reason(self) -> str:
        return sentence(self.rule, self.values)
