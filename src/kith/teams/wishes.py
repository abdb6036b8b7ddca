"""What may interrupt a user, by which way and when: kinds of news x ways, quiet hours, and how much is said aloud."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kith.teams.models import User

KINDS: dict[str, Any] = {
    "mention": _("A colleague calls you in a note"),
    "assigned": _("A conversation is given to you"),
    "message": _("Somebody answers in a conversation of yours"),
    "snooze": _("A conversation of yours wakes up"),
    "task": _("A task of yours is due"),
    "promise": _("A promise of yours is due"),
    "approval": _("A colleague asks whether a message that was held back may go"),
    "mailing": _("A mailing of yours was held back until it was too late"),
    "alarm": _("Kith itself needs somebody (a backup is missing, say)"),
}
WAYS: dict[str, Any] = {
    "screen": _("In Kith"),
    "browser": _("In the browser"),
    "push": _("Pushed"),
    "mail": _("By mail"),
}
BY_ITSELF = {"screen": True, "browser": True, "push": True, "mail": False}


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the user's own clock in which nothing rings; `start` may be later than `end` (over midnight)."""

    on: bool = False
    start: time = time(20)
    end: time = time(7)
    weekends: bool = False


def settings_of(user: User) -> dict[str, dict[str, bool]]:
    """For each kind, by which ways it comes. What does not come on the screen comes by no other way either."""
    kept = user.preferences.get("notify", {})
    found = {
        kind: {way: bool(kept.get(kind, {}).get(way, default)) for way, default in BY_ITSELF.items()}
        for kind in KINDS
    }
    found["alarm"]["mail"] = True  # the house's own alarms are always mailed to those who run it
    return found


def wants(user: User, kind: str, way: str) -> bool:
    wishes = settings_of(user).get(kind, BY_ITSELF)
    return wishes["screen"] and wishes[way]


def settings_set(user: User, values: Mapping[str, Mapping[str, bool]]) -> None:
    """Keep a user's wishes; unknown kinds and ways are ignored."""
    user.preferences = {
        **user.preferences,
        "notify": {
            kind: {way: bool(values[kind].get(way, default)) for way, default in BY_ITSELF.items()}
            for kind in KINDS
            if kind in values
        },
    }
    user.save(update_fields=["preferences"])


def quiet_of(user: User) -> Quiet:
    kept = user.preferences.get("quiet") or {}
    try:
        return Quiet(
            bool(kept.get("on")),
            time.fromisoformat(kept.get("start", "20:00")),
            time.fromisoformat(kept.get("end", "07:00")),
            bool(kept.get("weekends")),
        )
    except (TypeError, ValueError):
        return Quiet()


def quiet_set(user: User, quiet: Quiet, *, aloud: bool) -> None:
    """Keep the quiet hours, and whether what was said may stand on a locked screen."""
    user.preferences = {
        **user.preferences,
        "quiet": {
            "on": quiet.on,
            "start": f"{quiet.start:%H:%M}",
            "end": f"{quiet.end:%H:%M}",
            "weekends": quiet.weekends,
        },
        "aloud": aloud,
    }
    user.save(update_fields=["preferences"])


def says_aloud(user: User) -> bool:
    """Whether names and words may stand where a stranger could read them; not until the user says so."""
    return bool(user.preferences.get("aloud", False))


def zone_of(user: User) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(user.time_zone) if user.time_zone else timezone.get_default_timezone()
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return timezone.get_default_timezone()


def quiet_until(user: User, at: datetime) -> datetime | None:
    """When the quiet time that holds at `at` ends; None when nothing is quiet."""
    quiet, here = quiet_of(user), at.astimezone(zone_of(user))
    end = here
    for _night in range(8):  # a weekend joins the nights around it
        later = _end_of(quiet, end)
        if later == end:
            break
        end = later
    return end.astimezone(UTC) if end > here else None


def _end_of(quiet: Quiet, here: datetime) -> datetime:
    if quiet.weekends and here.weekday() >= 5:
        monday = here + timedelta(days=7 - here.weekday())
        return monday.replace(hour=0, minute=0, second=0, microsecond=0)
    if not quiet.on or quiet.start == quiet.end:
        return here
    clock = here.time()
    over_midnight = quiet.start > quiet.end
    inside = (
        (clock >= quiet.start or clock < quiet.end) if over_midnight else quiet.start <= clock < quiet.end
    )
    if not inside:
        return here
    end = here.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=0, microsecond=0)
    return end if end > here else end + timedelta(days=1)
