"""Web Push: to a browser that is closed. The text is encrypted for that browser; its vendor's server can't read it."""

from __future__ import annotations

import base64
import binascii
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException

from kith.base import http
from kith.base.clock import now
from kith.core import audit, company, secrets
from kith.teams.errors import TeamsError
from kith.teams.models import Notification, PushSubscription, User
from kith.teams.notifications import settings_of
from kith.teams.selectors import viewer_of

KEYS = "vapid"
FRESH = timedelta(hours=6)
MOST_DEVICES = 20


def _vapid() -> Vapid02:
    """Our key pair, made once; the private half is encrypted at rest."""
    kept = company.value(KEYS)
    if kept is None:
        pair = Vapid02()
        pair.generate_keys()
        with transaction.atomic():
            from kith.core.models import CompanyValue

            CompanyValue.objects.get_or_create(
                key=KEYS, defaults={"value": base64.b64encode(secrets.encrypt(pair.private_pem())).decode()}
            )
        kept = company.value(KEYS)
    return Vapid02.from_pem(secrets.decrypt(base64.b64decode(kept)))


def push_public_key() -> str:
    """The key that a browser subscribes with (`applicationServerKey`), base64url."""
    raw = _vapid().public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def push_subscribe(
    *, user: User, endpoint: str, keys: Mapping[str, str], device: str = ""
) -> PushSubscription:
    """Keep a browser's subscription; raises TeamsError for one that no browser made."""
    try:
        parts = urlsplit(endpoint)
        sizes = [len(base64.urlsafe_b64decode(str(keys[k]) + "==")) for k in ("p256dh", "auth")]
    except (ValueError, KeyError, binascii.Error) as error:
        raise TeamsError(_("This browser's subscription can't be read.")) from error
    if (
        parts.scheme not in ("https", "http")
        or not parts.hostname
        or sizes != [65, 16]
        or len(endpoint) > 1000
    ):
        raise TeamsError(_("This browser's subscription can't be read."))
    if parts.scheme == "http" and not (settings.DEBUG or settings.KITH.test):
        raise TeamsError(_("This browser's subscription can't be read."))
    row, _made = PushSubscription.objects.update_or_create(
        endpoint=endpoint,
        defaults={
            "user": user,
            "keys": {"p256dh": keys["p256dh"], "auth": keys["auth"]},
            "device": device[:200],
            "failed_at": None,
        },
    )
    old = (
        PushSubscription.objects.filter(user=user).order_by("-id").values_list("id", flat=True)[MOST_DEVICES:]
    )
    PushSubscription.objects.filter(pk__in=list(old)).delete()
    audit.record("push_subscribed", "user", user.id, device=device[:200])
    return row


def push_unsubscribe(*, user: User, endpoint: str) -> None:
    PushSubscription.objects.filter(user=user, endpoint=endpoint).delete()


def push_notifications(ids: Sequence[uuid.UUID]) -> int:
    """Push those that are still unread, fresh, wanted and visible; returns how many devices took one.

    Each is pushed at most once: a notice that is lost is better than one that rings twice.
    """
    taken = 0
    rows = Notification.objects.filter(pk__in=ids, pushed_at=None, read_at=None, created_at__gt=now() - FRESH)
    for row in rows.select_related("user").order_by("id"):
        devices = list(PushSubscription.objects.filter(user=row.user))
        if (
            not devices
            or not row.user.is_active
            or not settings_of(row.user).get(row.kind, {}).get("push", True)
        ):
            continue
        if not viewer_of(row.user).sees(row.scope_id):
            continue
        if not Notification.objects.filter(pk=row.pk, pushed_at=None).update(pushed_at=now()):
            continue
        for device in devices:
            taken += _push(device, row)
    return taken


def _push(device: PushSubscription, row: Notification) -> bool:
    content = {
        "title": row.title,
        "body": row.body,
        "path": row.path,
        "tag": str(row.subject_id or row.id),
        "id": str(row.id),
    }
    parts = urlsplit(device.endpoint)
    claims = {
        "sub": company.public_url() or "mailto:kith@localhost",
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + 12 * 3600,
    }
    try:
        sealed = WebPusher({"endpoint": device.endpoint, "keys": device.keys}).encode(
            json.dumps(content).encode()
        )
        headers = {
            **_vapid().sign(claims),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": "21600",
            "Urgency": "normal",
        }
        with (
            http.client(allowed=_allowed(), headers=headers) as client,
            client.stream("POST", device.endpoint, content=sealed["body"]) as answer,
        ):
            pass  # what it says is not read: anybody may have named that address
    except (httpx.HTTPError, WebPushException, ValueError):
        PushSubscription.objects.filter(pk=device.pk).update(failed_at=now())
        return False
    if answer.status_code in (404, 410):
        PushSubscription.objects.filter(pk=device.pk).delete()
        return False
    failed = answer.status_code >= 300
    PushSubscription.objects.filter(pk=device.pk).update(failed_at=now() if failed else None)
    return not failed


def _allowed() -> list[http.Network]:
    import ipaddress

    return [ipaddress.ip_network(network) for network in settings.KITH.allowed_networks]
