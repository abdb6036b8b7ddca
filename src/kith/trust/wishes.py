"""What somebody chose, as the gate reads it: for the page on which they choose."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.networks.selectors import manifest_of
from kith.trust.gather import gather
from kith.trust.models import Topic, Touch
from kith.trust.selectors import topics
from kith.trust.services.consents import CHANNELS
from kith.trust.services.gate import channel_of


@dataclass(frozen=True, slots=True)
class TopicChoice:
    """`as_customer`: they never agreed to it, and may hear of it since they bought from us."""

    key: str
    name: str
    about: str
    chosen: bool
    as_customer: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """`channel` is the identity's own; `others` are the channels that it can only close; `most`: the company's own cap."""

    channel: str
    topics: tuple[TopicChoice, ...]
    unsubscribed: bool
    others: tuple[tuple[str, bool], ...]
    per_month: int | None
    most: int
    paused_until: datetime | None


def channel_of_identity(identity: Identity) -> str:
    manifest = manifest_of(identity.network)
    return channel_of(manifest.medium if manifest else "", visibility="private")


def wishes_of(identity: Identity) -> Wishes:
    """What stands for this identity; a withdrawal by another one of the same person counts too."""
    moment = now()
    gathered = gather([identity.pk], moment=moment)
    facts, rules = gathered.facts[identity.pk], gathered.rules
    channel = channel_of_identity(identity)
    closed = facts.unsubscribed
    unsubscribed = channel in closed or "all" in closed
    similar = facts.customer and channel in rules.similar_channels

    def choice(topic: Topic) -> TopicChoice:
        pairs = {(channel, topic.key), ("all", topic.key), (channel, "all"), ("all", "all")}
        open_to = not unsubscribed and facts.withdrawn.isdisjoint(pairs)
        agreed = not facts.consents.isdisjoint(pairs)
        return TopicChoice(
            topic.key,
            topic.name,
            topic.about,
            chosen=open_to and (agreed or similar),
            as_customer=open_to and similar and not agreed,
        )

    month = [cap.limit for cap in rules.pace.caps if cap.name == "month"]
    paused = facts.paused_until if facts.paused_until and facts.paused_until > moment else None
    return Wishes(
        channel=channel,
        topics=tuple(choice(topic) for topic in topics()),
        unsubscribed=unsubscribed,
        others=tuple((c, c in closed or "all" in closed) for c in CHANNELS if c != channel),
        per_month=facts.wish_month,
        most=month[0] if month else 0,
        paused_until=paused,
    )


def selling_recipient(message_id: uuid.UUID) -> tuple[bool, uuid.UUID | None]:
    """Whether a message sells, and to whom, if to one identity alone: what carries a way to unsubscribe."""
    found = set(
        Touch.objects.filter(subject_id=message_id, kind__in=["campaign", "sequence", "outreach"])
        .exclude(purpose="service")
        .values_list("identity_id", flat=True)
    )
    return bool(found), found.pop() if len(found) == 1 else None
