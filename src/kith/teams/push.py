"""Web Push: to a browser that is closed. The text is encrypted for that browser; its vendor's server can't read it."""

from __future__ import annotations

import base64
import ipaddress
import json
import time
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException

from kith.base import http
from kith.base.clock import now
from kith.core import company, secrets
from kith.core.jobs import defer
from kith.core.models import CompanyValue
from kith.teams.models import Notification, PushSubscription, User
from kith.teams.selectors import viewer_of
from kith.teams.wishes import KINDS, quiet_until, says_aloud, wants

KEYS = "vapid"
FRESH = timedelta(hours=6)
TRIES, FIRST_PAUSE = 6, 30  # 30 s, 1, 2, 4, 8 minutes


class Outcome(Enum):
    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"
    GONE = "gone"


def _vapid() -> Vapid02:
    """Our key pair, made once; the private half is encrypted at rest."""
    kept = company.value(KEYS)
    if kept is None:
        pair = Vapid02()
        pair.generate_keys()
        with transaction.atomic():
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


def devices_of(user: User) -> list[PushSubscription]:
    """Where the user is told: devices whose session is still open. Those of ended sessions are forgotten here."""
    rows = list(PushSubscription.objects.filter(user=user).order_by("-id"))
    open_ones = set(
        Session.objects.filter(
            session_key__in=[row.session_key for row in rows], expire_date__gt=now()
        ).values_list("session_key", flat=True)
    )
    over = [row.pk for row in rows if row.session_key and row.session_key not in open_ones]
    if over:
        PushSubscription.objects.filter(pk__in=over).delete()
    return [row for row in rows if row.pk not in over]


def push_notifications(ids: Sequence[uuid.UUID]) -> int:
    """Push those that are still unread, fresh, wanted and visible; returns how many devices took one.

    Each is handed to a device at most once: a notice that is lost is better than one that rings twice. In a user's quiet
    hours nothing rings; a job at their end tells what is still unread.
    """
    taken = 0
    rows = Notification.objects.filter(pk__in=ids, pushed_at=None, read_at=None, created_at__gt=now() - FRESH)
    for row in rows.select_related("user").order_by("id"):
        if not _may_ring(row):
            continue
        devices = devices_of(row.user)
        if not devices or _put_off(row.user):
            continue
        if not Notification.objects.filter(pk=row.pk, pushed_at=None).update(pushed_at=now()):
            continue
        content = content_of(row)
        for device in devices:
            taken += _deliver(device, row, content, attempt=1)
    return taken


def push_retry(notification_id: uuid.UUID, device_id: uuid.UUID, *, attempt: int) -> bool:
    """Try one device again, if it is still there and the notification still unread and visible."""
    row = Notification.objects.filter(pk=notification_id, read_at=None, created_at__gt=now() - FRESH).first()
    device = PushSubscription.objects.filter(pk=device_id).first()
    if row is None or device is None or device.user_id != row.user_id or not _may_ring(row):
        return False
    return _deliver(device, row, content_of(row), attempt=attempt)


def push_after_quiet(user_id: uuid.UUID) -> int:
    """At the end of quiet hours: the one that came, or how many; returns how many devices took it."""
    user = User.objects.get(pk=user_id)
    if _put_off(user):
        return 0
    rows = [
        row
        for row in Notification.objects.filter(
            user=user, pushed_at=None, read_at=None, created_at__gt=now() - timedelta(days=3)
        ).order_by("id")
        if _may_ring(row)
    ]
    if not rows or not (devices := devices_of(user)):
        return 0
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(pushed_at=now())
    content = content_of(rows[-1])
    if len(rows) > 1:
        with translation.override(user.language or settings.LANGUAGE_CODE):
            text = ngettext("%(num)s thing waits for you", "%(num)s things wait for you", len(rows))
            content = {**content, "title": text % {"num": len(rows)}, "path": "/notifications/"}
            content = {**content, "body": _("It came in your quiet hours."), "tag": "quiet"}
    return sum(_deliver(device, rows[-1], content, attempt=1) for device in devices)


def push_try(user: User, device: PushSubscription) -> Outcome:
    """A push that says that pushing works."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        content = {
            "title": company.name() or "Kith",
            "body": _("So it looks when Kith calls you."),
            "path": "/notifications/",
            "tag": "try",
        }
    return _push(device, content)[0]


def content_of(row: Notification) -> dict[str, str]:
    """What the device shows: that something happened, and only if the user chose so, what was said and by whom."""
    with translation.override(row.user.language or settings.LANGUAGE_CODE):
        quiet = {"title": company.name() or "Kith", "body": str(KINDS[row.kind])}
    words = {"title": row.title, "body": row.body} if says_aloud(row.user) else quiet
    return {**words, "path": row.path or "/", "tag": str(row.subject_id or row.id), "id": str(row.id)}


def _may_ring(row: Notification) -> bool:
    return row.user.is_active and wants(row.user, row.kind, "push") and viewer_of(row.user).sees(row.scope_id)


def _put_off(user: User) -> bool:
    from kith.teams.jobs import push_morning

    end: datetime | None = quiet_until(user, now())
    if end is None:
        return False
    defer(push_morning, user=str(user.pk), key=f"quiet:{user.pk}", after=(end - now()).total_seconds() + 1)
    return True


def _deliver(device: PushSubscription, row: Notification, content: dict[str, str], *, attempt: int) -> bool:
    from kith.teams.jobs import push_again

    outcome, pause = _push(device, content, age=now() - row.created_at)
    if outcome is Outcome.LATER and attempt < TRIES:
        defer(
            push_again,
            notification=str(row.pk),
            device=str(device.pk),
            attempt=attempt + 1,
            after=max(pause, FIRST_PAUSE * 2 ** (attempt - 1)),
        )
    return outcome is Outcome.TAKEN


def _push(
    device: PushSubscription, content: dict[str, str], *, age: timedelta = timedelta()
) -> tuple[Outcome, int]:
    """Send to one device; returns what came of it, and for how many seconds its service asked us to wait."""
    parts = urlsplit(device.endpoint)
    claims = {
        "sub": company.public_url() or "mailto:kith@localhost",
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + 12 * 3600,
    }
    rows = PushSubscription.objects.filter(pk=device.pk)
    try:
        sealed = WebPusher({"endpoint": device.endpoint, "keys": device.keys}).encode(
            json.dumps(content).encode()
        )
        headers = {
            **_vapid().sign(claims),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(0, int((FRESH - age).total_seconds()))),
            "Urgency": "normal",
            "Topic": content["tag"].replace("-", "")[:32],  # a newer one replaces one that waits
        }
        with (
            http.client(allowed=_allowed(), headers=headers) as client,
            client.stream("POST", device.endpoint, content=sealed["body"]) as answer,
        ):
            pass  # what it says is not read: anybody may have named that address
    except (http.AddressRefused, WebPushException, ValueError):
        rows.update(failed_at=now())
        return Outcome.REFUSED, 0
    except httpx.HTTPError:
        rows.update(failed_at=now())
        return Outcome.LATER, 0
    if answer.status_code in (404, 410):
        rows.delete()
        return Outcome.GONE, 0
    if answer.status_code < 300:
        rows.update(failed_at=None, used_at=now())
        return Outcome.TAKEN, 0
    rows.update(failed_at=now())
    if answer.status_code == 429 or answer.status_code >= 500:
        return Outcome.LATER, _pause(answer.headers.get("Retry-After", ""))
    return Outcome.REFUSED, 0


def _pause(text: str) -> int:
    """Seconds of a Retry-After, a number or a date; at most an hour."""
    try:
        seconds = int(text) if text.isdigit() else (parsedate_to_datetime(text) - now()).total_seconds()
    except (TypeError, ValueError):
        return 0
    return int(min(3600, max(0, seconds)))


def _allowed() -> list[http.Network]:
    return [ipaddress.ip_network(network) for network in settings.KITH.allowed_networks]
