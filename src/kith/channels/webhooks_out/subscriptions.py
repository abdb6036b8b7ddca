"""Subscriptions: who is told of what. The secret is shown when it is made, and kept encrypted."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kith.base.clock import now
from kith.channels.models import WebhookSubscription
from kith.channels.webhooks_out import telling
from kith.core import audit, secrets
from kith.teams.models import User

MESSAGES = {
    "message_edited": "message.edited",
    "message_deleted_upstream": "message.deleted",
    "message_sent": "message.sent",
    "message_bounced": "message.bounced",
}
CONTACTS = {
    "contact_created": "person.created",
    "contact_changed": "person.changed",
    "contact_merged": "person.merged",
}
ACCOUNTS = {"channel_needs_reconnect": "channel.needs_reconnect"}
PING = "ping"
TITLES = {
    "message.received": gettext_lazy("A message came in"),
    "message.edited": gettext_lazy("A message was changed by its author"),
    "message.deleted": gettext_lazy("A message was deleted by its author"),
    "message.sent": gettext_lazy("An answer went out"),
    "message.bounced": gettext_lazy("An answer came back undelivered"),
    "person.created": gettext_lazy("A person was added"),
    "person.changed": gettext_lazy("A person was changed"),
    "person.merged": gettext_lazy("Two people turned out to be one"),
    "channel.needs_reconnect": gettext_lazy("A channel must be connected again"),
}
KINDS = tuple(TITLES)


class WebhookError(ValueError):
    """What is wrong with a subscription, in words; `field` is the input to blame."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def subscription_create(*, user: User, url: str, kinds: Iterable[str]) -> tuple[WebhookSubscription, str]:
    """A new subscription and its signing secret, which is shown now and kept encrypted."""
    wanted, secret = _checked(url, kinds), _new_secret()
    made = WebhookSubscription.objects.create(url=url, secret=_sealed(secret), kinds=wanted, created_by=user)
    telling.look_again()
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
    """Change the address or the kinds, pause, or go on (which forgets the failures and tells what has waited)."""
    subscription.kinds = _checked(url or subscription.url, subscription.kinds if kinds is None else kinds)
    subscription.url = url or subscription.url
    if paused is not None:
        telling.look_again()
        subscription.paused_at = now() if paused else None
        subscription.failures_in_a_row, subscription.last_error, subscription.next_try_at = 0, "", None
    subscription.save()
    if paused is False:
        telling.send_soon(subscription.pk)
    audit.record("webhook_changed", "webhook", subscription.pk, paused=subscription.paused_at is not None)


@transaction.atomic
def subscription_new_secret(*, subscription: WebhookSubscription) -> str:
    """Another secret, from now on; returned to be shown once."""
    secret = _new_secret()
    subscription.secret = _sealed(secret)
    subscription.save(update_fields=["secret"])
    audit.record("webhook_secret_changed", "webhook", subscription.pk)
    return secret


@transaction.atomic
def subscription_remove(*, subscription: WebhookSubscription) -> None:
    audit.record("webhook_removed", "webhook", subscription.pk)
    subscription.delete()


def subscription_secret(subscription: WebhookSubscription) -> str:
    return secrets.decrypt(base64.b64decode(subscription.secret)).decode()


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(24)).decode()


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
