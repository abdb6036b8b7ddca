"""What a person wants to send, before it is a message; what the gate says to it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from kith.base.graphemes import count
from kith.conversations.models import Message, Thread
from kith.core import sql
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.teams.models import User
from kith.teams.types import Viewer
from kith.trust.advice import Advice, OtherWay, gate_advice
from kith.trust.draft_facts import DraftFact, facts_in_draft
from kith.trust.services import TouchRequest, channel_of, gate_preview, touch_request
from kith.trust.types import REMARK_GONE, GateResult, UsedFact, Verdict

UNDO_SECONDS = 10


class OutboxError(ValueError):
    """Why a message can't be taken, in words for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    digest: str
    file_name: str
    content_type: str
    size: int
    alt_text: str = ""


@dataclass(frozen=True, slots=True)
class Compose:
    """What a person wants to send. Recipients are identities (id, role); a public post may have none.

    `in_reply_to`: the network's id of somebody's post that begins a talk with them, where no message of theirs is answered.
    """

    user: User | None
    account: ChannelAccount
    text: str
    recipients: tuple[tuple[uuid.UUID, str], ...]
    conversation_id: uuid.UUID | None = None
    reply_to: Message | None = None
    in_reply_to: str = ""
    thread: Thread | None = None
    subject: str = ""
    html: str = ""
    visibility: str = "private"
    files: tuple[OutgoingFile, ...] = ()
    content_warning: str = ""
    send_at: datetime | None = None
    kind: str = "reply"
    actor: str = "person"
    override_reason: str = ""
    undo_seconds: int = UNDO_SECONDS
    signature: str = ""
    purpose: str = "service"
    name_used: str = ""
    urgent: bool = False
    based_on: tuple[UsedFact, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SendResult:
    """The message as it stands now, and what the gate said. Held messages stand in the conversation, unsent."""

    message_id: uuid.UUID
    conversation_id: uuid.UUID
    verdict: Verdict
    delivery_id: uuid.UUID | None = None
    undo_until: datetime | None = None


_INBOUND = """
SELECT x.visibility FROM conversations_thread t CROSS JOIN LATERAL (
    SELECT m.visibility, k.at FROM conversations_messagecopy k
    JOIN conversations_message m ON m.id = k.message_id AND m.direction = 'in'
    WHERE k.thread_id = t.id AND k.first_in_thread ORDER BY k.at DESC LIMIT 1
) x WHERE t.conversation_id = %(conversation)s ORDER BY x.at DESC LIMIT 1
"""


def request_of(compose: Compose, subject_id: uuid.UUID | None = None) -> TouchRequest:
    manifest = manifest_of(compose.account.network)
    inbound: Sequence[tuple[str]] = ()
    if compose.conversation_id is not None:
        inbound = sql.prepared(_INBOUND, {"conversation": compose.conversation_id})
    people = tuple(dict.fromkeys(i for i, _ in compose.recipients))
    return TouchRequest(
        kind=_kind(compose),  # type: ignore[arg-type]
        channel=channel_of(manifest.medium if manifest else "", visibility=compose.visibility),
        network=compose.account.network,
        identity_ids=people,
        subject_id=subject_id,
        actor=compose.actor,
        purpose=compose.purpose,
        text_length=_length(compose),
        answers_inbound=bool(inbound),
        user=compose.user,
        division_id=_division(compose),
        name_used=compose.name_used if len(people) < 2 else "",
        names={people[0]: compose.name_used}
        if len(people) > 1 and compose.name_used
        else {},  # the greeting is to the first
        urgent=compose.urgent,
        based_on=(*compose.based_on, *_overheard(compose, inbound[0][0] if inbound else "")),
        title=compose.subject or compose.text[:200],
    )


def _division(compose: Compose) -> uuid.UUID | None:
    team = compose.account.team
    return team.division_id if team else None


def _overheard(compose: Compose, newest: str) -> tuple[UsedFact, ...]:
    """What was said in public, where it is answered elsewhere: the gate looks at that (a jump of channels). And where its
    author has deleted it, wherever it is answered.

    `newest`: how the last message of theirs in the conversation could be read, where none is chosen to be answered. What
    is passed on to somebody else answers nobody.
    """
    if compose.reply_to is not None:
        said = compose.reply_to.visibility
        if said == "public" and compose.reply_to.deleted_upstream_at is not None:
            return (UsedFact.again(REMARK_GONE),)
    else:
        said = newest if compose.kind == "reply" else ""
    if said != "public" or compose.visibility == "public":
        return ()
    return (UsedFact("public_remark", "public_post", "self", (compose.purpose,)),)


def _length(compose: Compose) -> int:
    """As the network counts: a content warning is part of the text."""
    manifest = manifest_of(compose.account.network)
    text = compose.content_warning + compose.text
    unit = manifest.limits.length_unit if manifest is not None else ""
    return len(text.encode()) if unit == "bytes" else count(text) if unit == "graphemes" else len(text)


def verdict_preview(compose: Compose) -> Verdict:
    """What the gate would say if this were sent now."""
    return gate_preview(request_of(compose))


def advice_of(
    compose: Compose, viewer: Viewer, *, others: Sequence[OtherWay] = (), strangers: bool = False
) -> Advice:
    """The same with what would make it allowed, and the facts that it uses. `strangers`: it goes to addresses besides that
    nobody here knows yet."""
    compose, facts = with_facts(compose, viewer)
    return replace(gate_advice(request_of(compose), others=others, strangers=strangers), facts=facts)


def with_facts(compose: Compose, viewer: Viewer) -> tuple[Compose, tuple[DraftFact, ...]]:
    """The facts (that the viewer may see) which the text uses; what is no reply is decided with them, too."""
    facts = facts_in_draft([i for i, _role in compose.recipients], viewer.scope_ids, compose.text)
    if _kind(compose) == "reply" or not facts:
        return compose, facts
    return replace(compose, based_on=tuple(fact.used for fact in facts)), facts


def _kind(compose: Compose) -> str:
    begins = compose.conversation_id is None and compose.reply_to is None
    return "outreach" if compose.kind == "reply" and begins else compose.kind


def gate_ask(compose: Compose, *, subject_id: uuid.UUID) -> Verdict:
    """Ask the gate for the record, without a message: what it says is kept as a Touch with its Decision."""
    return touch_request(request_of(compose, subject_id)).verdict


def gate_of(compose: Compose, *, subject_id: uuid.UUID) -> GateResult:
    """Ask the gate for the record about a message that is stored: with its clearances, when it allows."""
    return touch_request(request_of(compose, subject_id), override_reason=compose.override_reason)


def compose_again(message: Message, *, override_reason: str = "", user: User | None = None) -> Compose:
    """The Compose of a stored message, for one that is due or was held."""
    account = ChannelAccount.objects.get(pk=message.extra["channel_account"])
    copy = message.copies.select_related("thread").order_by("id").first()
    recipients: Sequence[tuple[uuid.UUID, str]] = [
        (p.identity_id, p.role) for p in message.participants.exclude(role="from")
    ]
    return Compose(
        user=user or message.author,
        account=account,
        text=message.text,
        recipients=tuple(recipients),
        conversation_id=copy.thread.conversation_id if copy else None,
        thread=copy.thread if copy else None,
        subject=message.subject,
        html=message.html,
        visibility=message.visibility,
        kind=message.extra.get("kind", "reply"),
        purpose=message.extra.get("purpose", "service"),
        name_used=message.extra.get("name_used", ""),
        urgent=bool(message.extra.get("urgent")),
        based_on=tuple(UsedFact.again(row) for row in message.extra.get("based_on", ())),
        override_reason=override_reason,
        undo_seconds=0,
    )
