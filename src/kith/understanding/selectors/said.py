"""What is said of what: aspects and names by month and mood, over what the viewer may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from kith.base.clock import now
from kith.core import sql
from kith.teams.types import Viewer
from kith.understanding.labels import SENTIMENTS
from kith.understanding.selectors.figures import Behind, messages_behind

MONTHS, MOST = 6, 40
_VISIBLE = """
    FROM understanding_annotation a JOIN conversations_message m ON m.id = a.message_id
    {more}
    WHERE a.at >= %(since)s AND a.direction = 'in' AND a.state = 'read' AND m.automatic IN ('', 'mention')
      AND m.deleted_upstream_at IS NULL
      AND EXISTS (SELECT 1 FROM conversations_messagecopy k
                  WHERE k.message_id = m.id AND k.scope_id = ANY (%(scopes)s))"""
_ASPECTS = (
    """
SELECT lower(x.item ->> 'aspect') AS what, 'aspect', '', to_char(m.at AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
       x.item ->> 'sentiment', count(DISTINCT m.id)"""
    + _VISIBLE.format(more="CROSS JOIN LATERAL jsonb_array_elements(a.aspects) AS x (item)")
    + " GROUP BY 1, 4, 5"
)
# The mood of a message that names it, where the model is sure of it.
_NAMES = (
    """
SELECT x.item ->> 'name', x.item ->> 'kind', x.item ->> 'id', to_char(m.at AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
       CASE WHEN 'unsure' = ANY (a.labels) THEN 'unsure' ELSE a.sentiment END, count(DISTINCT m.id)"""
    + _VISIBLE.format(more="CROSS JOIN LATERAL jsonb_array_elements(a.entities) AS x (item)")
    + " GROUP BY 1, 2, 3, 4, 5"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One month of one subject: messages by mood."""

    negative: int = 0
    neutral: int = 0
    positive: int = 0
    unsure: int = 0

    @property
    def n(self) -> int:
        return self.negative + self.neutral + self.positive + self.unsure


@dataclass(frozen=True, slots=True)
class Subject:
    """What is spoken of: an aspect in people's own words, or a name that we look for (then `key` is its id)."""

    what: str
    kind: str
    key: str
    cells: dict[str, Cell]

    @property
    def n(self) -> int:
        return sum(cell.n for cell in self.cells.values())


@dataclass(frozen=True, slots=True)
class SaidOf:
    months: list[str]
    names: list[Subject]
    aspects: list[Subject]


def said_of(viewer: Viewer) -> SaidOf:
    """The subjects that are spoken of most, by month. Two queries."""
    months = _months()
    given = {"since": _start(months[0]), "scopes": list(viewer.scope_ids)}
    return SaidOf(months, _subjects(sql.rows(_NAMES, given)), _subjects(sql.rows(_ASPECTS, given)))


def _subjects(rows: list[tuple[str, str, str, str, str, int]]) -> list[Subject]:
    found: dict[tuple[str, str, str], dict[str, dict[str, int]]] = {}
    for what, kind, key, month, mood, count in rows:
        moods = found.setdefault((what, kind, key), {}).setdefault(month, {})
        known = mood if mood in SENTIMENTS else "unsure"
        moods[known] = moods.get(known, 0) + count
    subjects = [
        Subject(what, kind, key, {month: Cell(**moods) for month, moods in cells.items()})
        for (what, kind, key), cells in found.items()
    ]
    return sorted(subjects, key=lambda s: (-s.n, s.what))[:MOST]


def _months() -> list[str]:
    """The last months, oldest first."""
    today = now()
    numbers = [today.year * 12 + today.month - 1 - back for back in reversed(range(MONTHS))]
    return [f"{number // 12}-{number % 12 + 1:02}" for number in numbers]


def _start(month: str) -> datetime:
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)


def _end(month: str) -> datetime:
    year, number = int(month[:4]), int(month[5:])
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def said_behind(
    viewer: Viewer,
    *,
    aspect: str = "",
    name: str = "",
    mood: str = "",
    month: str = "",
    cursor: str | None = None,
) -> Behind:
    """The messages behind one figure of the table."""
    months = _months()
    since, until = (_start(month), _end(month)) if month in months else (_start(months[0]), None)
    where, given = "a.state = 'read'", {"aspect": aspect.lower(), "name": name, "mood": mood}
    if aspect:
        where += (
            " AND EXISTS (SELECT 1 FROM jsonb_array_elements(a.aspects) AS x (item) WHERE lower(x.item ->> 'aspect')"
            " = %(aspect)s AND (%(mood)s = '' OR x.item ->> 'sentiment' = %(mood)s))"
        )
    else:
        where += (
            " AND EXISTS (SELECT 1 FROM jsonb_array_elements(a.entities) AS x (item) WHERE x.item ->> 'id' = %(name)s)"
            " AND (%(mood)s = '' OR %(mood)s = CASE WHEN 'unsure' = ANY (a.labels) THEN 'unsure' ELSE a.sentiment END)"
        )
    return messages_behind(viewer, since=since, until=until, more=where, given=given, cursor=cursor)
