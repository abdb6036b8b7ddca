"""Tells other people's programs of our events: small, signed (Standard Webhooks), tried again for three days.

What is told is what happened and to which ids; the program reads the rest over the API, with what its token may see.
A subscription is told only of what the colleague who made it may see (law 11). `webhook-id` stays the same over every
try, so that a receiver can tell a repetition.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.db import transaction
from django.utils.translation import gettext as _
from standardwebhooks import Webhook

from kith.base.clock import now
from kith.base.ids import new_id
from kith.channels import gateway
from kith.channels.limits import words_of
from kith.channels.models import WebhookSubscription
from kith.conversations.models import Message, MessageCopy
from kith.core import audit, events, secrets
from kith.core.jobs import defer, job
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.teams.selectors import viewer_of
from kith.teams.types import Viewer

log = logging.getLogger(__name__)
# seconds before the second, third ... try; then the subscription is paused and says why
PAUSES = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
AT_ONCE = 50
TIMEOUT = httpx.Timeout(15.0, connect=8.0)
_MESSAGES = {
    "message_edited": "message.edited",
    "message_deleted_upstream": "message.deleted",
    "message_sent": "message.sent",
    "message_bounced": "message.bounced",
}
_CONTACTS = {
    "contact_created": "person.created",
    "contact_changed": "person.changed",
    "contact_merged": "person.merged",
}
_ACCOUNTS = {"channel_needs_reconnect": "channel.needs_reconnect"}
KINDS = ("message.received", *_MESSAGES.values(), *_CONTACTS.values(), *_ACCOUNTS.values())


class WebhookError(ValueError):
    """What is wrong with a subscription, in words; `field` is the input to blame."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


# --- subscriptions --------------------------------------------------------------------------------------------------


@transaction.atomic
def subscription_create(*, user: User, url: str, kinds: Iterable[str]) -> tuple[WebhookSubscription, str]:
    """A new subscription and its signing secret, which is shown now and kept encrypted."""
    wanted = _checked(url, kinds)
    secret = "whsec_" + base64.b64encode(os.urandom(24)).decode()
    _KNOWN["until"] = 0.0
    made = WebhookSubscription.objects.create(url=url, secret=_sealed(secret), kinds=wanted, created_by=user)
    audit.record("webhook_created", "webhook", made.pk, host=urlsplit(url).hostname, kinds=wanted)
    return made, secret


@transaction.atomic
def subscription_update(
    *,
    subscription: WebhookSubscription,
    url: str | None = None,
    kinds: Iterable[str] | None = None,
    paused: bool | None = None,
) -> None:
    """Change the address or the kinds, pause, or go on (which forgets the failures)."""
    subscription.kinds = _checked(url or subscription.url, subscription.kinds if kinds is None else kinds)
    subscription.url = url or subscription.url
    if paused is not None:
        _KNOWN["until"] = 0.0
        subscription.paused_at = now() if paused else None
        subscription.failures_in_a_row, subscription.last_error = 0, ""
    subscription.save()
    audit.record("webhook_changed", "webhook", subscription.pk, paused=subscription.paused_at is not None)


@transaction.atomic
def subscription_remove(*, subscription: WebhookSubscription) -> None:
    audit.record("webhook_removed", "webhook", subscription.pk)
    subscription.delete()


def subscription_secret(subscription: WebhookSubscription) -> str:
    return secrets.decrypt(base64.b64decode(subscription.secret)).decode()


def _sealed(secret: str) -> str:
    return base64.b64encode(secrets.encrypt(secret.encode())).decode()


def _checked(url: str, kinds: Iterable[str]) -> list[str]:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.username is None
    except ValueError:
        fits = False
    if not fits or len(url) > 1000:
        raise WebhookError(_("This is not an address that begins with https://."), field="url")
    wanted = sorted(set(kinds))
    if not wanted:
        raise WebhookError(_("Choose at least one kind of event."), field="kinds")
    if unknown := [k for k in wanted if k not in KINDS]:
        raise WebhookError(_("There is no kind of event called %s.") % unknown[0], field="kinds")
    return wanted


# --- what is told ---------------------------------------------------------------------------------------------------


def subscribe() -> None:
    """Called when Django is ready."""
    kinds = ("message_recorded", *_MESSAGES, *_CONTACTS, *_ACCOUNTS)
    events.subscribe("channels.webhooks_out", kinds, handle, wanted=_anybody)


_KNOWN: dict[str, float | bool] = {"until": 0.0, "anybody": True}
_LOOK_EVERY = 5.0  # seconds


def _anybody() -> bool:
    """Whether there is a subscription at all: most houses have none, and pay nothing. Five seconds old at most."""
    moment = time.monotonic()
    if moment > _KNOWN["until"]:
        _KNOWN["anybody"] = WebhookSubscription.objects.filter(paused_at=None).exists()
        _KNOWN["until"] = moment + _LOOK_EVERY
    return bool(_KNOWN["anybody"])


def handle(kind: str, ids: Sequence[uuid.UUID]) -> None:
    """Write down, for each subscription, what it is to be told: in the transaction that takes the events away."""
    listening = WebhookSubscription.objects.filter(paused_at=None, created_by__is_active=True).select_related(
        "created_by"
    )
    for subscription in listening:
        if subscription.created_by is None:
            continue
        told = [
            t for t in _told(viewer_of(subscription.created_by), kind, ids) if t["type"] in subscription.kinds
        ]
        for start in range(0, len(told), AT_ONCE):
            defer(send, subscription_id=str(subscription.pk), told=told[start : start + AT_ONCE], tried=0)


def _told(viewer: Viewer, kind: str, ids: Sequence[uuid.UUID]) -> list[dict[str, Any]]:
    """The webhooks for one kind of event; each with the id that it keeps."""
    if kind in _CONTACTS:
        found = [(_CONTACTS[kind], {"person_id": str(i)}) for i in ids]
    elif kind in _ACCOUNTS:
        seen = ChannelAccount.objects.filter(pk__in=ids, scope_id__in=viewer.scope_ids).values_list(
            "pk", flat=True
        )
        found = [(_ACCOUNTS[kind], {"channel_id": str(i)}) for i in seen]
    else:
        found = _messages(viewer, kind, ids)
    moment = now().isoformat()
    return [{"id": f"msg_{new_id().hex}", "type": t, "timestamp": moment, "data": data} for t, data in found]


def _messages(viewer: Viewer, kind: str, ids: Sequence[uuid.UUID]) -> list[tuple[str, dict[str, Any]]]:
    """What came in as history alerts nobody, and a note is for colleagues."""
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
        name = _MESSAGES.get(kind) or ("message.received" if message.direction == "in" else "message.sent")
        data = {
            "message_id": str(message.pk),
            "conversation_id": str(places[message.pk]),
            "network": message.network,
            "direction": message.direction,
        }
        found.append((name, data))
    return found


# --- telling --------------------------------------------------------------------------------------------------------


@job("channels.webhooks_send", tries=3)
def send(*, subscription_id: str, told: list[dict[str, Any]], tried: int) -> None:
    """Send a batch in order; from the first that fails on, the rest waits for the next try."""
    subscription = (
        WebhookSubscription.objects.filter(pk=subscription_id, paused_at=None, created_by__is_active=True)
    ).first()
    if subscription is None:
        return
    with gateway.http() as client:
        for position, one in enumerate(told):
            error, gone = _post(client, subscription, one)
            if not error:
                continue
            _failed(subscription, error, rest=told[position:], tried=tried if position == 0 else 0, gone=gone)
            return
    if subscription.failures_in_a_row or subscription.last_error:
        WebhookSubscription.objects.filter(pk=subscription.pk).update(failures_in_a_row=0, last_error="")


def _post(client: httpx.Client, subscription: WebhookSubscription, one: dict[str, Any]) -> tuple[str, bool]:
    """(error in words, whether the address is gone for good); ("", False) when it was taken."""
    body = json.dumps({key: one[key] for key in ("type", "timestamp", "data")}, separators=(",", ":"))
    moment = now()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": one["id"],
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(subscription_secret(subscription)).sign(one["id"], moment, body),
    }
    try:
        with client.stream(
            "POST", subscription.url, content=body.encode(), headers=headers, timeout=TIMEOUT
        ) as answer:  # what they answer is not read
            if 200 <= answer.status_code < 300:
                return "", False
            return (
                f"{urlsplit(subscription.url).hostname} answered {answer.status_code}.",
                answer.status_code == 410,
            )
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return f"{type(error).__name__}: {words_of(error)}"[:500], False


def _failed(
    subscription: WebhookSubscription, error: str, *, rest: list[dict[str, Any]], tried: int, gone: bool
) -> None:
    last = gone or tried >= len(PAUSES)
    with transaction.atomic():
        row = WebhookSubscription.objects.select_for_update().get(pk=subscription.pk)
        row.failures_in_a_row += 1
        row.last_error = error
        if last:
            row.paused_at = now()
            audit.record("webhook_paused", "webhook", row.pk, error=error)
        row.save(update_fields=["failures_in_a_row", "last_error", "paused_at"])
        if not last:
            pause = PAUSES[tried]
            defer(
                send,
                after=pause + int.from_bytes(os.urandom(1), "big") % (pause // 5 + 1),
                subscription_id=str(subscription.pk),
                told=rest,
                tried=tried + 1,
            )
    if last:
        log.warning("webhooks to %s are paused: %s", urlsplit(subscription.url).hostname, error)
