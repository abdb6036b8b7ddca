"""Sending what waits: in order, signed, one sender a subscription, with pauses that grow and an alarm at the end."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
from django.db import Error, connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from standardwebhooks import Webhook

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.limits import words_of
from kith.channels.models import WebhookDelivery, WebhookSubscription
from kith.channels.webhooks_out.subscriptions import PING, subscription_secret
from kith.connectors.words import say
from kith.core import audit
from kith.core.jobs import defer, job
from kith.teams.models import Role, User
from kith.teams.notifications import notify

log = logging.getLogger(__name__)
# seconds before the second, third ... try; then the subscription is paused and says why
PAUSES = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
AT_ONCE = 500
KEPT = timedelta(days=14)
TIMEOUT = httpx.Timeout(15.0, connect=8.0)
State = WebhookDelivery.State


@job("channels.webhooks_send", tries=3)
def send(*, subscription_id: str) -> None:
    """Send what waits, oldest first; at the first that fails it stops, and comes again later."""
    with _alone(subscription_id) as alone:
        if not alone:
            defer(
                send, after=2, subscription_id=subscription_id
            )  # what has just come may have come too late for it
            return
        subscription = (
            WebhookSubscription.objects.filter(pk=subscription_id, paused_at=None, created_by__is_active=True)
        ).first()
        if subscription is None or (subscription.next_try_at and subscription.next_try_at > now()):
            return
        if _send_waiting(subscription):
            defer(send, subscription_id=subscription_id)


def _send_waiting(subscription: WebhookSubscription) -> bool:
    """Returns whether there may be more to send."""
    waiting = list(subscription.deliveries.filter(state=State.WAITING).order_by("id")[:AT_ONCE])
    with gateway.http() as client:
        for one in waiting:
            if not _try(client, subscription, one):
                _failed(subscription, one)
                return False
    if waiting and (subscription.failures_in_a_row or subscription.last_error):
        WebhookSubscription.objects.filter(pk=subscription.pk).update(
            failures_in_a_row=0, last_error="", next_try_at=None
        )
    return len(waiting) == AT_ONCE


def _try(client: httpx.Client, subscription: WebhookSubscription, one: WebhookDelivery) -> bool:
    """Send one; what came of it stands in its row. Returns whether it was taken."""
    one.status, one.error = _post(client, subscription, one)
    one.attempts += 1
    one.tried_at = now()
    if not one.error:
        one.state = State.SENT
    one.save(update_fields=["status", "error", "attempts", "tried_at", "state"])
    return not one.error


def _post(
    client: httpx.Client, subscription: WebhookSubscription, one: WebhookDelivery
) -> tuple[int | None, str]:
    """(status, error in words); the error is "" when it was taken."""
    body = json.dumps(
        {"type": one.kind, "timestamp": one.created_at.isoformat(), "data": one.data}, separators=(",", ":")
    )
    headers = headers_of(subscription_secret(subscription), sent_as(one), now(), body)
    try:
        with client.stream(
            "POST", subscription.url, content=body.encode(), headers=headers, timeout=TIMEOUT
        ) as answer:  # what they answer is not read
            if 200 <= answer.status_code < 300:
                return answer.status_code, ""
            host = urlsplit(subscription.url).hostname
            return answer.status_code, say("{host} answered {words}", host=host, words=answer.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return None, f"{type(error).__name__}: {words_of(error)}"[:500]


def sent_as(one: WebhookDelivery) -> str:
    """The `webhook-id` of an event, the same over every try."""
    return f"msg_{one.pk.hex}"


def headers_of(secret: str, webhook_id: str, moment: datetime, body: str) -> dict[str, str]:
    """The headers that Standard Webhooks asks for."""
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, moment, body),
    }


def _failed(subscription: WebhookSubscription, one: WebhookDelivery) -> None:
    with transaction.atomic():
        row = WebhookSubscription.objects.select_for_update().get(pk=subscription.pk)
        tried = row.failures_in_a_row
        last = one.status == 410 or tried >= len(PAUSES)
        row.failures_in_a_row += 1
        row.last_error = one.error
        if last:
            row.paused_at, row.next_try_at = now(), None
            audit.record("webhook_paused", "webhook", row.pk, error=one.error)
            _alarm(row)
        else:
            pause = PAUSES[tried] + int.from_bytes(os.urandom(1), "big") % (PAUSES[tried] // 5 + 1)
            row.next_try_at = now() + timedelta(seconds=pause)
            # a moment later than it says, so that the job does not find itself too early
            defer(send, after=pause + 1, subscription_id=str(row.pk))
        row.save(update_fields=["failures_in_a_row", "last_error", "paused_at", "next_try_at"])
    if last:
        log.warning("webhooks to %s are paused: %s", urlsplit(row.url).hostname, one.error)


def _alarm(row: WebhookSubscription) -> None:
    """Tell who made it and the administrators: programs that rely on it hear nothing any more."""
    who = User.objects.filter(is_active=True, role__in=[Role.OWNER, Role.ADMIN])
    host = urlsplit(row.url).hostname or ""
    notify(
        {*who.values_list("pk", flat=True), *([row.created_by_id] if row.created_by_id else [])},
        kind="alarm",
        title=lambda: _("Webhooks to %(host)s are paused") % {"host": host},
        body=row.last_error,
        path=reverse("settings:webhook", args=[row.pk]),
        subject_id=row.pk,
    )


@contextlib.contextmanager
def _alone(subscription_id: str) -> Iterator[bool]:
    """A lock of the session, as no transaction may be open while somebody else's server is asked."""
    key = [f"webhooks:{subscription_id}"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 4))", key)
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with contextlib.suppress(Error), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 4))", key)


# --- by hand --------------------------------------------------------------------------------------------------------


def ping(*, subscription: WebhookSubscription) -> WebhookDelivery:
    """Send a small event now, paused or not, and return what came of it. Calls the network: in no transaction."""
    one = WebhookDelivery.objects.create(subscription=subscription, kind=PING, data={}, state=State.SKIPPED)
    with gateway.http() as client:
        _try(client, subscription, one)
    return one


@transaction.atomic
def ping_soon(*, subscription: WebhookSubscription) -> WebhookDelivery:
    """As `ping`, by a worker: what came of it stands in the row, once `tried_at` is set."""
    one = WebhookDelivery.objects.create(subscription=subscription, kind=PING, data={}, state=State.SKIPPED)
    defer(ping_send, delivery_id=str(one.pk))
    return one


@job("channels.webhooks_ping", tries=3)
def ping_send(*, delivery_id: str) -> None:
    """Send a test that was asked for, once."""
    one = (
        WebhookDelivery.objects.select_related("subscription")
        .filter(pk=delivery_id, kind=PING, tried_at=None)
        .first()
    )
    if one is not None:
        with gateway.http() as client:
            _try(client, one.subscription, one)


@transaction.atomic
def delivery_again(*, subscription: WebhookSubscription, delivery_id: uuid.UUID) -> bool:
    """Tell one event once more, as soon as may be; its `webhook-id` stays. False when there is none."""
    found = subscription.deliveries.filter(pk=delivery_id).exclude(kind=PING).update(state=State.WAITING)
    if found:
        WebhookSubscription.objects.filter(pk=subscription.pk).update(next_try_at=None)
        defer(send, subscription_id=str(subscription.pk))
    return bool(found)


@transaction.atomic
def delivery_skip(*, subscription: WebhookSubscription, delivery_id: uuid.UUID) -> bool:
    """Leave out one event that a program can't take, so that those behind it are told."""
    found = subscription.deliveries.filter(pk=delivery_id, state=State.WAITING).update(state=State.SKIPPED)
    if found:
        WebhookSubscription.objects.filter(pk=subscription.pk).update(next_try_at=None)
        defer(send, subscription_id=str(subscription.pk))
    return bool(found)


@job("channels.webhooks_forget", every="40 3 * * *")
def deliveries_forget() -> None:
    """What was told is kept for two weeks."""
    WebhookDelivery.objects.exclude(state=State.WAITING).filter(created_at__lt=now() - KEPT).delete()
