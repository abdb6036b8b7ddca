"""How much of people's attention we took: of one person against the caps, of the company by division and week."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kith.base.clock import now
from kith.core import sql
from kith.policy.pacing import full, pace_of
from kith.policy.types import SELLING, Cap
from kith.trust.gather import company_rules, gather

OFFERS = SELLING  # the kinds that take a place under the caps
_WEEKS = """
SELECT counted.week, coalesce(d.name, ''), counted.sells, counted.number FROM (
    SELECT floor(extract(epoch FROM t.planned_for - %(since)s) / 604800)::int AS week, t.division_id,
           t.kind IN ('campaign', 'sequence', 'outreach') AS sells, count(*) AS number
    FROM trust_touch t WHERE t.state IN ('allowed', 'made') AND t.planned_for >= %(since)s AND t.planned_for <= %(now)s
    GROUP BY 1, 2, 3) counted LEFT JOIN teams_division d ON d.id = counted.division_id ORDER BY 1, 2
"""
_OVER = """
SELECT count(*), count(*) FILTER (WHERE n >= %(limit)s) FROM (
    SELECT count(*) AS n FROM trust_touch t WHERE t.kind IN ('campaign', 'sequence', 'outreach')
    AND t.state IN ('allowed', 'made') AND t.planned_for > %(since)s AND t.planned_for <= %(now)s
    GROUP BY coalesce(t.contact_id, t.identity_id)) people
"""


@dataclass(frozen=True, slots=True)
class CapLine:
    """How far a cap is used up; `free_at` says when there is room again where it is full."""

    name: str
    days: int
    count: int
    limit: int
    free_at: datetime | None


@dataclass(frozen=True, slots=True)
class WeekCount:
    week: date
    division: str
    selling: bool
    count: int


@dataclass(frozen=True, slots=True)
class CapShare:
    """Of those who had an offer within `days`, how many reached the cap."""

    name: str
    days: int
    limit: int
    people: int
    full: int


def caps_of(identity_ids: Sequence[uuid.UUID]) -> tuple[CapLine, ...]:
    """The caps of the person who owns these identities, the longest window first."""
    if not identity_ids:
        return ()
    moment = now()
    found = gather(list(identity_ids)[:1], moment=moment)
    facts = found.facts[identity_ids[0]]
    lines = []
    for cap in pace_of(facts, found.rules).caps:
        since = moment - timedelta(days=cap.days)
        count = sum(1 for touch in facts.touches if touch.kind in SELLING and touch.at > since)
        said = full((cap,), facts, moment)
        lines.append(CapLine(cap.name, cap.days, count, cap.limit, said[1] if said else None))
    return tuple(lines)


def pressure_weeks(weeks: int = 26) -> tuple[WeekCount, ...]:
    """Touches made by week (its Monday), division ("" for none) and whether they sell. One statement."""
    moment = now()
    monday = (moment - timedelta(days=moment.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    since = monday - timedelta(weeks=weeks - 1)
    return tuple(
        WeekCount(since.date() + timedelta(weeks=week), division, selling, count)
        for week, division, selling, count in sql.rows(_WEEKS, {"since": since, "now": moment})
    )


def cap_shares() -> tuple[CapShare, ...]:
    """How many people are at each cap of the company's policy. One statement for each."""
    moment = now()

    def share(cap: Cap) -> CapShare:
        given = {"limit": cap.limit, "since": moment - timedelta(days=cap.days), "now": moment}
        ((people, reached),) = sql.rows(_OVER, given)
        return CapShare(cap.name, cap.days, cap.limit, people, reached)

    return tuple(share(cap) for cap in company_rules().pace.caps)
