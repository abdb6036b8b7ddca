"""Values of the whole company: its name, its public address, keys made once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings

from kith.core.models import CompanyValue

RECENT = 3.0  # seconds for which a host's answer is taken from memory; a change is seen by every process after that
_MOST_HOSTS = 200
_recent: dict[str, tuple[float, str]] = {}


def value(key: str, default: Any = None) -> Any:
    row = CompanyValue.objects.filter(key=key).values_list("value", flat=True).first()
    return default if row is None else row


def values(keys: Iterable[str]) -> dict[str, Any]:
    """Those of `keys` that have a value, by one statement."""
    return dict(CompanyValue.objects.filter(key__in=list(keys)).values_list("key", "value"))


def set_value(key: str, content: Any) -> None:
    CompanyValue.objects.update_or_create(key=key, defaults={"value": content})
    _recent.clear()


def name() -> str:
    return str(value("name", ""))


def public_url() -> str:
    """The address at which customers reach us, without a slash at the end; "" when there is none yet."""
    return str(settings.KITH.public_url or value("public_url", ""))


def public_url_for(host: str) -> str:
    """`public_url`, asked about once in a while for each host by which we are called, and not for each page.

    A host that was not asked for in the last seconds is looked up: a new address answers at once, in every process; an
    old one may go on for so long.
    """
    if settings.KITH.public_url:
        return public_url()
    moment = time.monotonic()
    found = _recent.get(host)
    if found is not None and moment < found[0]:
        return found[1]
    if len(_recent) >= _MOST_HOSTS:
        _recent.clear()  # whoever makes names up gains nothing, and costs what they did before
    url = public_url()
    if not settings.KITH.test:
        _recent[host] = (moment + RECENT, url)
    return url


def is_set_up() -> bool:
    return bool(value("name"))
