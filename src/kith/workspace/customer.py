"""What a customer sees of themselves in a visit: only what belongs to the identities that were proven in it.

Never notes, tasks, what colleagues said among each other, what somebody else wrote, or a colleague's own address.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.channels.system_mail import mailbox
from kith.contacts.models import Contact, CustomField, Fact, Identity
from kith.conversations.models import Conversation, Message, Participant, Thread
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.teams.models import Scope, User
from kith.trust import sentences
from kith.trust.models import Consent, Touch
from kith.work.models import Promise
from kith.workspace.people_facts import LABELS, words_of

TO = ("to", "cc", "bcc", "member")
ARRIVED = (Message.State.SENT, Message.State.DELIVERED, Message.State.READ)
# Whose own words a quote is; what a colleague wrote down is not quoted.
THEIR_WORDS = (
    Fact.Source.TOLD_US,
    Fact.Source.FORM,
    Fact.Source.MESSAGE,
    Fact.Source.PUBLIC_POST,
    Fact.Source.PROFILE,
)
SELLING = ("campaign", "sequence", "outreach")


@dataclass(frozen=True, slots=True)
class Whom:
    """Who looks after them, and an address at which they answer: a shared one of the company."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class OpenCase:
    """`waits`: for us to answer."""

    subject: str
    since: datetime
    last_at: datetime
    waits: bool
    with_whom: str


@dataclass(frozen=True, slots=True)
class Known:
    """A fact with its source; `quote` only where the words are theirs."""

    label: str
    attribute: str
    value: object
    source: str
    at: datetime
    quote: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class HeldBack:
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Reached:
    """Something that we sent without being asked."""

    at: datetime
    title: str
    channel: str


def identities_of(ids: Sequence[uuid.UUID]) -> list[Identity]:
    rows = {row.pk: row for row in Identity.objects.filter(pk__in=ids).select_related("contact__canonical")}
    return [rows[key] for key in ids if key in rows]


def contacts_of(identities: Sequence[Identity]) -> list[Contact]:
    """The people that the proven identities belong to, each once."""
    found = {one.contact.canonical_id: one.contact.canonical for one in identities if one.contact}
    return [contact for contact in found.values() if contact.deleted_at is None]


def messages_of(ids: Sequence[uuid.UUID]) -> QuerySet[Message]:
    """What they wrote, and what we sent them. Nothing that another person wrote, nor a note."""
    to_them = Participant.objects.filter(identity__in=ids, role__in=TO).values("message_id")
    return Message.objects.filter(
        Q(direction=Message.Direction.IN, sender__in=ids)
        | Q(direction=Message.Direction.OUT, state__in=ARRIVED, pk__in=to_them)
    )


def my_person(contacts: Sequence[Contact], cases: Sequence[Conversation]) -> Whom | None:
    """The one who looks after them, else who has their open case, else nobody in particular at the company's address."""
    owner: User | None = next((c.owner for c in contacts if c.owner and c.owner.is_active), None)
    if owner is None:
        owner = next((c.assignee for c in cases if c.assignee and c.assignee.is_active), None)
    account = _account_of(cases) or mailbox()
    address = _mail_address(account)
    if owner is None and not address:
        return None
    return Whom(owner.name if owner else "", address)


def _account_of(cases: Sequence[Conversation]) -> ChannelAccount | None:
    """The mailbox in which their case is, if colleagues share it."""
    threads = (
        Thread.objects.filter(conversation__in=cases, channel_account__state="active")
        .exclude(scope__kind=Scope.Kind.PRIVATE)
        .exclude(channel_account__scope__kind=Scope.Kind.PRIVATE)
        .select_related("channel_account")
        .order_by("-last_at")
    )
    return next(
        (t.channel_account for t in threads if t.channel_account and _mail_address(t.channel_account)), None
    )


def _mail_address(account: ChannelAccount | None) -> str:
    manifest = manifest_of(account.network) if account else None
    return account.address if account and manifest and manifest.medium == "mail" else ""


def open_conversations(ids: Sequence[uuid.UUID]) -> list[Conversation]:
    """Not closed, and with something in it that they wrote or got."""
    mine = messages_of(ids).values("pk")
    return list(
        Conversation.objects.filter(joined_into=None, threads__copies__message__in=mine)
        .exclude(status=Conversation.Status.CLOSED)
        .select_related("assignee")
        .distinct()
        .order_by("-created_at")[:20]
    )


def open_cases(ids: Sequence[uuid.UUID], cases: Sequence[Conversation]) -> list[OpenCase]:
    found = []
    for case in cases:
        said = list(
            messages_of(ids)
            .filter(copies__thread__conversation=case)
            .order_by("at", "id")
            .distinct()
            .values_list("at", "direction", "subject", "text")
        )
        if not said:
            continue
        subject = next((s for _, _, s, _ in said if s), "") or said[0][3][:80]
        found.append(
            OpenCase(
                subject,
                said[0][0],
                said[-1][0],
                said[-1][1] == Message.Direction.IN,
                case.assignee.name if case.assignee and case.assignee.is_active else "",
            )
        )
    return found


def promises_of(ids: Sequence[uuid.UUID], contacts: Sequence[Contact]) -> list[Promise]:
    """What we said to them that we would do; one that comes from a message, only where they have that message."""
    return list(
        Promise.objects.filter(contact__canonical__in=contacts, broken_at=None)
        .filter(Q(message_id=None, scope_id=None) | Q(message_id__in=messages_of(ids).values("pk")))
        .filter(Q(kept_at=None) | Q(kept_at__gt=now().replace(hour=0, minute=0)))
        .select_related("who")
        .order_by("kept_at", "due_at", "id")
    )


def facts_of(ids: Sequence[uuid.UUID], contacts: Sequence[Contact]) -> QuerySet[Fact]:
    """What is known of them; what came by an address or a message that is not proven to be theirs stays away."""
    moment = now()
    return (
        Fact.objects.filter(contact__canonical__in=contacts, retracted_at=None)
        .filter(Q(expires_at=None) | Q(expires_at__gt=moment))
        .filter(Q(identity=None) | Q(identity__in=ids))
        .filter(Q(message_id=None) | Q(message_id__in=messages_of(ids).values("pk")))
        .order_by("attribute", "-observed_at")
    )


def _sources() -> dict[str, str]:
    """Where something comes from, said to the one whom it is about."""
    return {
        Fact.Source.TOLD_US: _("you told us"),
        Fact.Source.FORM: _("you typed it into a form"),
        Fact.Source.MESSAGE: _("you said it in a message"),
        Fact.Source.PROFILE: _("from your public profile"),
        Fact.Source.PUBLIC_POST: _("you said it in public"),
        Fact.Source.PURCHASE: _("from a purchase of yours"),
    }


def known_of(ids: Sequence[uuid.UUID], contacts: Sequence[Contact]) -> list[Known]:
    sources = _sources()
    labels = {f"custom.{key}": label for key, label in CustomField.objects.values_list("key", "label")}
    return [
        Known(
            label=str(LABELS.get(fact.attribute) or labels.get(fact.attribute) or words_of(fact.attribute)),
            attribute=fact.attribute,
            value=fact.value,
            source=sources.get(fact.source) or fact.get_source_display(),
            at=fact.observed_at,
            quote=fact.quote if fact.source in THEIR_WORDS else "",
            until=fact.expires_at,
        )
        for fact in facts_of(ids, contacts)
    ]


def held_back(ids: Sequence[uuid.UUID]) -> list[HeldBack]:
    """Why offers did not reach them, in sentences, the most frequent first."""
    told: Counter[str] = Counter()
    touches = Touch.objects.filter(
        identity__in=ids,
        kind__in=SELLING,
        state__in=[Touch.State.HELD, Touch.State.DENIED, Touch.State.EXPIRED],
    ).prefetch_related("decisions")
    for touch in touches.order_by("-planned_for")[:500]:
        newest = touch.newest_decision()
        if newest is not None:
            told[sentences.of(newest.rule, newest.values, newest.sentence, to_them=True)] += 1
    return [HeldBack(reason, count) for reason, count in told.most_common()]


def reached(ids: Sequence[uuid.UUID]) -> list[Reached]:
    """The offers that they got, the newest first."""
    rows = Touch.objects.filter(identity__in=ids, kind__in=SELLING, state=Touch.State.MADE)
    return [
        Reached(touch.made_at or touch.planned_for, touch.title, touch.channel)
        for touch in rows.order_by("-planned_for")[:50]
    ]


def consents_of(ids: Sequence[uuid.UUID]) -> list[Consent]:
    """What they said of topics and channels, each row of the log, the newest first."""
    return list(
        Consent.objects.filter(identity__in=ids).select_related("identity").order_by("-given_at", "-id")[:200]
    )
