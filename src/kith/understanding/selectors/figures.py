# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""How well and how much is read: figures over what the viewer may see, each with its n, and the messages behind each."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kith.base.clock import now
from kith.base.keyset import cursor_decode, cursor_encode
from kith.core import sql
from kith.teams.types import Viewer

DAYS = 90
PAGE = 50
FEW = 30  # checks of a language below which its figure says little, and the page says so
_SEEN = """EXISTS (SELECT 1 FROM conversations_messagecopy k WHERE k.message_id = m.id AND k.scope_id = ANY (%(scopes)s))"""
_OURS = """m.direction = 'in' AND m.automatic IN ('', 'mention') AND m.deleted_upstream_at IS NULL"""

_COVERAGE = f"""
SELECT coalesce(a.language, ''), count(*), count(a.id), count(*) FILTER (WHERE a.state = 'read'),
       count(*) FILTER (WHERE a.state = 'empty'), count(*) FILTER (WHERE a.state = 'failed'),
       count(*) FILTER (WHERE 'unsure' = ANY (a.labels)), count(*) FILTER (WHERE a.cut),
       count(*) FILTER (WHERE a.state = 'read' AND a.said <> '{{}}'), count(*) FILTER (WHERE a.tier = 'best')
FROM conversations_message m LEFT JOIN understanding_annotation a ON a.message_id = m.id
WHERE m.at >= %(since)s AND {_OURS} AND {_SEEN}
GROUP BY 1 ORDER BY 2 DESC
"""
_CHECKS = f"""
SELECT c.language, count(*) FILTER (WHERE c.outcome <> 'skipped'),
       count(*) FILTER (WHERE c.outcome <> 'skipped' AND NOT 'sentiment' = ANY (c.wrong)),
       count(*) FILTER (WHERE c.outcome <> 'skipped' AND NOT 'intents' = ANY (c.wrong)),
       count(*) FILTER (WHERE c.outcome = 'skipped'),
       count(*) FILTER (WHERE c.outcome <> 'skipped' AND c.sure),
       count(*) FILTER (WHERE c.outcome <> 'skipped' AND c.sure AND NOT 'sentiment' = ANY (c.wrong))
FROM understanding_check c JOIN conversations_message m ON m.id = c.message_id
WHERE m.at >= %(since)s AND {_SEEN} GROUP BY 1 ORDER BY 2 DESC
"""
_MODELS = f"""
SELECT a.tier, a.model, count(*) FROM understanding_annotation a JOIN conversations_message m ON m.id = a.message_id
WHERE m.at >= %(since)s AND a.state = 'read' AND {_SEEN} GROUP BY 1, 2 ORDER BY 3 DESC
"""
# What the messages behind a figure are; each is one that a figure above counts, and takes no other parameter.
WHAT = {
    "all": "true",
    "unread": "a.id IS NULL",
    "read": "a.state = 'read'",
    "empty": "a.state = 'empty'",
    "failed": "a.state = 'failed'",
    "unsure": "'unsure' = ANY (a.labels)",
    "cut": "a.cut",
    "corrected": "a.state = 'read' AND a.said <> '{}'",
    "best": "a.tier = 'best'",
    "checked": "EXISTS (SELECT 1 FROM understanding_check c WHERE c.message_id = m.id AND c.outcome <> 'skipped')",
    "skipped": "EXISTS (SELECT 1 FROM understanding_check c WHERE c.message_id = m.id AND c.outcome = 'skipped')",
    "mood_wrong": (
        "EXISTS (SELECT 1 FROM understanding_check c WHERE c.message_id = m.id AND 'sentiment' = ANY (c.wrong))"
    ),
    "wish_wrong": (
        "EXISTS (SELECT 1 FROM understanding_check c WHERE c.message_id = m.id AND 'intents' = ANY (c.wrong))"
    ),
}
_MESSAGES = f"""
SELECT m.id, m.at, m.subject, left(m.text, 300), coalesce(nullif(i.display_name, ''), i.handle, i.external_id, ''),
       coalesce(a.labels, '{{{{}}}}'), coalesce(a.language, ''),
       (SELECT t.conversation_id FROM conversations_messagecopy k JOIN conversations_thread t ON t.id = k.thread_id
        WHERE k.message_id = m.id AND k.scope_id = ANY (%(scopes)s) ORDER BY k.id LIMIT 1)
FROM conversations_message m LEFT JOIN understanding_annotation a ON a.message_id = m.id
LEFT JOIN contacts_identity i ON i.id = m.sender_id
WHERE {{where}} AND {_OURS} AND {_SEEN}
ORDER BY m.at DESC, m.id DESC LIMIT %(limit)s
"""
_DRAW = f"""
SELECT m.id FROM understanding_annotation a JOIN conversations_message m ON m.id = a.message_id
WHERE m.at >= %(since)s AND a.state = 'read' AND {_OURS} AND {_SEEN}
  AND NOT EXISTS (SELECT 1 FROM understanding_check c WHERE c.message_id = m.id)
ORDER BY random() LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of n with the range in which it lies 19 times of 20 (Wilson's)."""

    k: int
    n: int

    @property
    def share(self) -> float:
        return self.k / self.n if self.n else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        if not self.n:
            return 0.0, 1.0
        z, n, p = 1.959964, self.n, self.share
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of what people wrote in one language (or all): how many messages there are, and what became of them."""

    language: str
    total: int
    annotated: int
    read: int
    empty: int
    failed: int
    unsure: int
    cut: int
    corrected: int
    best: int


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of messages drawn at random in one language (or all): how often the mood and the wishes were right."""

    language: str
    mood: Share
    wishes: Share
    sure: Share
    skipped: int

    @property
    def few(self) -> bool:
        return self.mood.n < FEW


@dataclass(frozen=True, slots=True)
class Figures:
    since: datetime
    coverage: list[Coverage]
    whole: Coverage
    accuracy: list[Accuracy]
    over_all: Accuracy
    models: list[tuple[str, str, int]]


def figures(viewer: Viewer, *, days: int = DAYS) -> Figures:
    """Of the last days, over what the viewer may see (law 11). Three queries."""
    since = now() - timedelta(days=days)
    given = {"since": since, "scopes": list(viewer.scope_ids)}
    coverage = [Coverage(*row) for row in sql.rows(_COVERAGE, given)]
    whole = (
        Coverage("", *(sum(column) for column in zip(*[_numbers(c) for c in coverage], strict=True)))
        if coverage
        else Coverage("", *[0] * 9)
    )
    rows = sql.rows(_CHECKS, given)
    total = [sum(column) for column in zip(*[row[1:] for row in rows], strict=True)] or [0] * 6
    models = [(tier, model, n) for tier, model, n in sql.rows(_MODELS, given)]
    return Figures(since, coverage, whole, [_accuracy(*row) for row in rows], _accuracy("", *total), models)


def _numbers(row: Coverage) -> tuple[int, ...]:
    return (
        row.total, row.annotated, row.read, row.empty, row.failed, row.unsure, row.cut, row.corrected, row.best
    )  # fmt: skip


def _accuracy(language: str, n: int, mood: int, wishes: int, skipped: int, sure: int, right: int) -> Accuracy:
    return Accuracy(language, Share(mood, n), Share(wishes, n), Share(right, sure), skipped)


@dataclass(frozen=True, slots=True)
class Found:
    """One message behind a figure."""

    id: uuid.UUID
    at: datetime
    subject: str
    text: str
    who: str
    labels: list[str]
    language: str
    conversation_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Behind:
    """The messages behind a figure, newest first; `next_cursor` leads to the next page."""

    rows: list[Found]
    next_cursor: str | None
    n: int = field(default=0)


def messages_behind(
    viewer: Viewer,
    *,
    what: str = "all",
    language: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    more: str = "",
    given: Mapping[str, Any] | None = None,
    cursor: str | None = None,
) -> Behind:
    """The messages that a figure counts. `more` is SQL of a caller in this room, with its parameters in `given`."""
    params: dict[str, Any] = {
        **(given or {}),
        "since": since or now() - timedelta(days=DAYS),
        "until": until or now() + timedelta(days=1),
        "scopes": list(viewer.scope_ids),
        "limit": PAGE + 1,
    }
    where = ["m.at >= %(since)s", "m.at < %(until)s", WHAT[what], *([more] if more else [])]
    if language:
        where.append("a.language = %(language)s")
        params["language"] = "" if language == "none" else language
    if (after := cursor_decode(cursor)) is not None:
        where.append("(m.at, m.id) < (%(at)s, %(key)s)")
        params["at"], params["key"] = after
    rows = [Found(*row) for row in sql.rows(_MESSAGES.format(where=" AND ".join(where)), params)]
    page = rows[:PAGE]
    further = cursor_encode(page[-1].at, page[-1].id) if len(rows) > PAGE else None
    return Behind(page, further)


def drawn(viewer: Viewer) -> uuid.UUID | None:
    """A message that was read and nobody has checked, each with the same chance."""
    given = {
        "since": now() - timedelta(days=DAYS),
        "scopes": list(viewer.scope_ids),
    }
    rows = sql.rows(_DRAW, given)
    return rows[0][0] if rows else None
