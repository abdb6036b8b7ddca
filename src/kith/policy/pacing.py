"""How often, and at which hours: counting the ledger, and the night where the person lives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kith.policy.types import SELLING, Cap, ContactFacts, Pace, Rules


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
    caps: Sequence[Cap], facts: ContactFacts, now: datetime, gap: timedelta = timedelta(0)
) -> tuple[dict[str, str], datetime | None] | None:
    """The first window that is full, and when all windows and the gap have room again; None when there is room now.

    Planned touches of the future count where a window holds both them and now: a place is given once.
    """
    times = [touch.at for touch in facts.touches if touch.kind in SELLING]
    if len(times) > 1:
        times.sort(reverse=True)
    first: Cap | None = None
    until: datetime | None = None
    for cap in caps:
        window = timedelta(days=cap.days)
        if len(times) < cap.limit:
            continue
        inside = [at for at in times if now - window < at < now + window]
        if len(inside) < cap.limit:
            continue
        first = first or cap
        if cap.limit > 0:
            free = inside[cap.limit - 1] + window
            until = free if until is None else max(until, free)
    near = next((at for at in times if abs(now - at) < gap), None) if gap else None
    if near is not None:
        until = max(until or now, near + gap)
        first = first or Cap("gap", 0, 0)
    if first is None:
        return None
    window = timedelta(days=first.days) or gap
    said = {
        "window": first.name,
        "count": str(sum(1 for at in times if at > now - window)),
        "limit": str(first.limit),
        "days": f"{window / timedelta(days=1):g}",
        "hours": f"{window / timedelta(hours=1):g}",
        "divisions": _divisions(facts, now - window),
    }
    return said, until


def by_day(
    held: tuple[dict[str, str], datetime | None] | None, facts: ContactFacts, rules: Rules
) -> tuple[dict[str, str], datetime | None] | None:
    """The same, until the morning after where it would end at night."""
    if held is None or held[1] is None:
        return held
    return held[0], quiet_until(facts.time_zone, rules, held[1]) or held[1]


def _divisions(facts: ContactFacts, since: datetime) -> str:
    counted = Counter(t.division for t in facts.touches if t.kind in SELLING and t.at > since and t.division)
    return ", ".join(f"{name} {number}" for name, number in counted.most_common(5))


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
