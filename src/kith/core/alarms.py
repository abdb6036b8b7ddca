"""What the people who run the house must hear of: a backup that is missing, a job that fails for good.

An upper room registers how they hear of it (a notification, a system mail). The same alarm sounds once in a day.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from kith.base.clock import now
from kith.core.models import CompanyValue

log = logging.getLogger(__name__)
QUIET = timedelta(hours=24)
_PREFIX = "alarm:"
_listeners: list[Callable[[str, str], None]] = []


def on_alarm(listener: Callable[[str, str], None]) -> None:
    """Register `listener(kind, sentence)`, called in the transaction of the one who raises."""
    _listeners.append(listener)


def sound(kind: str, sentence: str) -> bool:
    """Raise an alarm; returns whether anyone was told (not when the same kind sounded within a day)."""
    key = f"{_PREFIX}{kind}"[:60]
    row = CompanyValue.objects.filter(key=key).first()
    if row is not None and now() - datetime.fromisoformat(row.value["told_at"]) < QUIET:
        return False
    content = {"sentence": sentence, "told_at": now().isoformat()}
    CompanyValue.objects.update_or_create(key=key, defaults={"value": content})
    log.error("%s", sentence)
    for listener in _listeners:
        try:
            listener(kind, sentence)
        except Exception:
            log.exception("an alarm could not be passed on")
    return True


def clear(kind: str) -> None:
    """Say that the reason of an alarm is gone."""
    CompanyValue.objects.filter(key=f"{_PREFIX}{kind}"[:60]).delete()


def sounding() -> dict[str, str]:
    """The alarms whose reason still holds: their sentences by kind."""
    rows = CompanyValue.objects.filter(key__startswith=_PREFIX)
    return {row.key.removeprefix(_PREFIX): row.value["sentence"] for row in rows}
