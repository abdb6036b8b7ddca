"""The browsers that asked to be told: kept, named, forgotten."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.core import audit
from kith.teams.errors import TeamsError
from kith.teams.models import PushSubscription, User

MOST_DEVICES = 20
BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def device_name(user_agent: str) -> str:
    """ "Chrome, Android" out of what a browser says of itself; "" when it says nothing we know."""
    found = [next((name for mark, name in marks if mark in user_agent), "") for marks in (BROWSERS, SYSTEMS)]
    return ", ".join(name for name in found if name)


def push_subscribe(
    *, user: User, endpoint: str, keys: Mapping[str, str], device: str = "", session_key: str = ""
) -> PushSubscription:
    """Keep a browser's subscription; raises TeamsError for one that no browser made.

    A browser's subscription belongs to whom its session belongs to: signing in as another takes it over.
    """
    unreadable = TeamsError(_("This browser's subscription can't be read."))
    try:
        parts = urlsplit(endpoint)
        sizes = [len(base64.urlsafe_b64decode(str(keys[k]) + "==")) for k in ("p256dh", "auth")]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise unreadable from error
    secure = parts.scheme == "https" or (parts.scheme == "http" and (settings.DEBUG or settings.KITH.test))
    if not secure or not parts.hostname or sizes != [65, 16] or len(endpoint) > 1000:
        raise unreadable
    known = PushSubscription.objects.filter(endpoint=endpoint, user=user).exists()
    row, _made = PushSubscription.objects.update_or_create(
        endpoint=endpoint,
        defaults={
            "user": user,
            "keys": {"p256dh": keys["p256dh"], "auth": keys["auth"]},
            "device": device[:200],
            "session_key": session_key,
            "failed_at": None,
            "used_at": now(),
        },
    )
    old = (
        PushSubscription.objects.filter(user=user).order_by("-id").values_list("id", flat=True)[MOST_DEVICES:]
    )
    PushSubscription.objects.filter(pk__in=list(old)).delete()
    if not known:
        audit.record("push_subscribed", "user", user.id, device=device[:200])
    return row


def push_unsubscribe(*, user: User, endpoint: str) -> None:
    PushSubscription.objects.filter(user=user, endpoint=endpoint).delete()
