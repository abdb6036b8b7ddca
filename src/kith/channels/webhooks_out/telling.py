"""What each subscription is to be told, written down in the transaction that takes the events away."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from kith.channels.models import WebhookDelivery, WebhookSubscription
from kith.conversations.models import Message, MessageCopy
from kith.core import events
from kith.core.jobs import defer
from kith.networks.models import ChannelAccount
from kith.teams.selectors import viewer_of
from kith.teams.types import Viewer

Told = tuple[str, dict[str, Any]]
_KNOWN: dict[str, float | bool] = {"until": 0.0, "anybody": True}
_LOOK_EVERY = 5.0  # seconds


def subscribe() -> None:
    """Called when Django is ready."""
    from kith.channels.webhooks_out.subscriptions import ACCOUNTS, CONTACTS, MESSAGES

    kinds = ("message_recorded", *MESSAGES, *CONTACTS, *ACCOUNTS)
    events.subscribe("channels.webhooks_out", kinds, handle, wanted=_anybody)


def look_again() -> None:
    """Forget whether anybody is subscribed."""
    _KNOWN["until"] = 0.0


def _anybody() -> bool:
    """Whether there is a subscription at all: most houses have none, and pay nothing. Five seconds old at most."""
    moment = time.monotonic()
    if moment > _KNOWN["until"]:
        _KNOWN["anybody"] = WebhookSubscription.objects.filter(paused_at=None).exists()
        _KNOWN["until"] = moment + _LOOK_EVERY
    return bool(_KNOWN["anybody"])


def send_soon(subscription_id: uuid.UUID) -> None:
    from kith.channels.webhooks_out.delivering import send

    defer(send, subscription_id=str(subscription_id))


def handle(kind: str, ids: Sequence[uuid.UUID]) -> None:
    """Write down, for each subscription, what it is to be told."""
    listening = WebhookSubscription.objects.filter(paused_at=None, created_by__is_active=True).select_related(
        "created_by"
    )
    for subscription in listening:
        if subscription.created_by is None:
            continue
        told = _told(viewer_of(subscription.created_by), kind, ids)
        rows = [
            WebhookDelivery(subscription=subscription, kind=name, data=data)
            for name, data in told
            if name in subscription.kinds
        ]
        if rows:
            WebhookDelivery.objects.bulk_create(rows)
            send_soon(subscription.pk)


def _told(viewer: Viewer, kind: str, ids: Sequence[uuid.UUID]) -> list[Told]:
    from kith.channels.webhooks_out.subscriptions import ACCOUNTS, CONTACTS

    if kind in CONTACTS:
        return [(CONTACTS[kind], {"person_id": str(i)}) for i in ids]
    if kind in ACCOUNTS:
        seen = ChannelAccount.objects.filter(pk__in=ids, scope_id__in=viewer.scope_ids)
        return [(ACCOUNTS[kind], {"channel_id": str(i)}) for i in seen.values_list("pk", flat=True)]
    return _messages(viewer, kind, ids)


def _messages(viewer: Viewer, kind: str, ids: Sequence[uuid.UUID]) -> list[Told]:
    """What came in as history alerts nobody, and a note is for colleagues."""
    from kith.channels.webhooks_out.subscriptions import MESSAGES

    places: dict[uuid.UUID, uuid.UUID] = {}
    for message_id, conversation_id in (
        MessageCopy.objects.filter(message_id__in=ids, scope_id__in=viewer.scope_ids)
        .order_by("id")
        .values_list("message_id", "thread__conversation_id")
    ):
        places.setdefault(message_id, conversation_id)
    found = []
    for message in (
        Message.objects.filter(pk__in=places, history=False).exclude(direction="note").order_by("id")
    ):
        name = MESSAGES.get(kind) or ("message.received" if message.direction == "in" else "message.sent")
        data = {
            "message_id": str(message.pk),
            "conversation_id": str(places[message.pk]),
            "network": message.network,
            "direction": message.direction,
        }
        found.append((name, data))
    return found
