"""How often, and at which hours: counting the ledger, and the night where the person lives."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from operator import attrgetter
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kith.policy.types import SELLING, Cap, ContactFacts, Pace, Rules

NO_TIME, HOUR, DAY = timedelta(), timedelta(hours=1), timedelta(days=1)
_AT = attrgetter("at")


def pace_of(facts: ContactFacts, rules: Rules) -> Pace:
    """The pace for this person: of their segments, where the policy names one (the strictest of several), else everybody's."""
    if not rules.segments:
        return rules.pace
    mine = [pace for name, pace in rules.segments if name in facts.segments or name in facts.flags]
    if len(mine) < 2:
        return mine[0] if mine else rules.pace
    windows = {cap.days: cap.name for pace in mine for cap in pace.caps}
    caps = [
        Cap(name, days, min(c.limit for p in mine for c in p.caps if c.days == days))
        for days, name in sorted(windows.items(), reverse=True)
    ]
    return Pace(tuple(caps), max(pace.gap_hours for pace in mine))


def full(
    caps: Sequence[Cap], facts: ContactFacts, now: datetime, gap: timedelta = NO_TIME
) -> tuple[dict[str, str], datetime | None] | None:
    """The first window that is full, and when all windows and the gap have room again; None when there is room now.

    Planned touches of the future count where a window holds both them and now: a place is given once.
    """
    had = sorted((touch for touch in facts.touches if touch.kind in SELLING), key=_AT)
    first: Cap | None = None
    until: datetime | None = None
    for cap in caps:
        if len(had) < cap.limit:
            continue
        window = timedelta(days=cap.days)
        end = bisect_left(had, now + window, key=_AT)
        if end - bisect_right(had, now - window, key=_AT) < cap.limit:
            continue
        first = first or cap
        if cap.limit > 0:
            free = had[end - cap.limit].at + window
            until = free if until is None else max(until, free)
    near = had[: bisect_left(had, now + gap, key=_AT)][-1:] if gap else []
    if near and near[0].at > now - gap:
        until = max(until or now, near[0].at + gap)
        first = first or Cap("gap", 0, 0)
    if first is None:
        return None
    window = timedelta(days=first.days) or gap
    lately = had[bisect_right(had, now - window, key=_AT) :]
    divisions = Counter(touch.division for touch in reversed(lately) if touch.division)
    said = {
        "window": first.name,
        "count": str(len(lately)),
        "limit": str(first.limit),
        "days": f"{window / DAY:g}",
        "hours": f"{window / HOUR:g}",
        "divisions": ", ".join(f"{name} {number}" for name, number in divisions.most_common(5)),
    }
    return said, until


def by_day(
    held: tuple[dict[str, str], datetime | None] | None, facts: ContactFacts, rules: Rules
) -> tuple[dict[str, str], datetime | None] | None:
    """The same, until the morning after where it would end at night."""
    if held is None or held[1] is None:
        return held
    return held[0], quiet_until(facts.time_zone, rules, held[1]) or held[1]


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """The time zone of that IANA name; None where there is no such."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def quiet_until(time_zone: str, rules: Rules, now: datetime) -> datetime | None:
    """The end of the night where the person lives, in UTC; None by day. Of somebody whose zone is not known, the company's."""
    there = (zone(time_zone) if time_zone else None) or zone(rules.time_zone)
    local = now.astimezone(there)
    hour = local.hour + local.minute / 60
    begins, ends = rules.quiet_from, rules.quiet_until
    if begins == ends:
        return None
    night = begins <= hour < ends if begins < ends else hour >= begins or hour < ends
    if not night:
        return None
    day = local.date() + timedelta(days=1 if hour >= ends else 0)
    wall = time(int(ends), round(ends % 1 * 60))
    return datetime.combine(day, wall, tzinfo=there).astimezone(UTC)
