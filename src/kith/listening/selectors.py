"""Reads: monitors with their numbers, mentions in pages, counts by day, and what was asked where."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max

from kith.base.clock import now
from kith.conversations.models import Post
from kith.core import sql
from kith.listening.models import Mention, Monitor, Search
from kith.listening.types import FoundBy, MentionRow, MentionView, MonitorRow, SearchRow
from kith.teams.types import Viewer

PAGE, MOST_OPEN = 50, 100
Place = tuple[datetime, uuid.UUID]  # of the last post of a page

# One row a post, though several monitors found it; the order of the index, so that a page reads as many rows as it shows.
_PAGE = """
SELECT DISTINCT ON (k.published_at, k.post_id) k.published_at, k.post_id FROM listening_mention k
WHERE k.monitor_id = ANY (%(monitors)s::uuid[]) {narrow}
  AND (k.scope_id IS NULL OR k.scope_id = ANY (%(scopes)s::uuid[])) {after}
ORDER BY k.published_at DESC, k.post_id DESC LIMIT %(limit)s
"""
_FOUND = """
SELECT k.post_id, k.monitor_id, m.name, k.spans, k.state, k.assignee_id, coalesce(u.name, ''), k.conversation_id
FROM listening_mention k JOIN listening_monitor m ON m.id = k.monitor_id LEFT JOIN teams_user u ON u.id = k.assignee_id
WHERE k.post_id = ANY (%(posts)s::uuid[]) AND k.monitor_id = ANY (%(monitors)s::uuid[])
  AND (k.scope_id IS NULL OR k.scope_id = ANY (%(scopes)s::uuid[])) ORDER BY m.name, k.id
"""
_DAYS = """
SELECT (c.hour AT TIME ZONE %(zone)s)::date, sum(c.number)::int FROM listening_mentioncount c
WHERE c.monitor_id = ANY (%(monitors)s::uuid[]) AND c.hour >= %(since)s
  AND (c.scope_id IS NULL OR c.scope_id = ANY (%(scopes)s::uuid[])) GROUP BY 1
"""
_NUMBERS = """
SELECT m.id,
  coalesce((SELECT sum(c.number) FROM listening_mentioncount c WHERE c.monitor_id = m.id AND c.hour >= %(today)s
            AND (c.scope_id IS NULL OR c.scope_id = ANY (%(scopes)s::uuid[]))), 0)::int,
  coalesce((SELECT sum(c.number) FROM listening_mentioncount c WHERE c.monitor_id = m.id AND c.hour >= %(week)s
            AND (c.scope_id IS NULL OR c.scope_id = ANY (%(scopes)s::uuid[]))), 0)::int,
  (SELECT count(*) FROM (SELECT 1 FROM listening_mention k WHERE k.monitor_id = m.id AND k.state = 'open'
            AND (k.scope_id IS NULL OR k.scope_id = ANY (%(scopes)s::uuid[])) LIMIT %(most)s) o)::int
FROM listening_monitor m WHERE m.id = ANY (%(monitors)s::uuid[])
"""


def in_use(viewer: Viewer) -> bool:
    return Monitor.objects.filter(scope_id__in=viewer.scope_ids).exclude(state="removed").exists()


def monitor_of(viewer: Viewer, monitor_id: uuid.UUID) -> Monitor | None:
    rows = Monitor.objects.filter(pk=monitor_id, scope_id__in=viewer.scope_ids)
    return rows.exclude(state=Monitor.State.REMOVED).select_related("scope", "owner").first()


def monitors_of(viewer: Viewer) -> list[Monitor]:
    """By name."""
    rows = Monitor.objects.filter(scope_id__in=viewer.scope_ids).exclude(state=Monitor.State.REMOVED)
    return list(rows.select_related("scope", "owner").order_by("name", "id"))


def monitor_rows(viewer: Viewer, *, midnight: datetime) -> list[MonitorRow]:
    """All monitors that the viewer sees, with their numbers; `midnight`: when their day began."""
    monitors = monitors_of(viewer)
    given = {
        "monitors": [one.pk for one in monitors],
        "scopes": list(viewer.scope_ids),
        "today": midnight,
        "week": midnight - timedelta(days=6),
        "most": MOST_OPEN,
    }
    numbers = {row[0]: row[1:] for row in sql.rows(_NUMBERS, given)}
    return [MonitorRow(one, *numbers[one.pk]) for one in monitors]


def mentions(
    viewer: Viewer, view: MentionView, *, before: Place | None = None, limit: int = PAGE
) -> tuple[list[MentionRow], Place | None]:
    """Posts that the viewer's monitors found, newest first, each once; and where the next page begins."""
    monitors = [view.monitor_id] if view.monitor_id else [one.pk for one in monitors_of(viewer)]
    if view.monitor_id and monitor_of(viewer, view.monitor_id) is None:
        return [], None
    found = sql.rows(*page_query(viewer, view, monitors, before=before, limit=limit + 1))
    keys = [row[1] for row in found[:limit]]
    rows = _rows(viewer, keys, monitors)
    return rows, (found[limit - 1][0], found[limit - 1][1]) if len(found) > limit else None


def page_query(
    viewer: Viewer, view: MentionView, monitors: Sequence[uuid.UUID], *, before: Place | None, limit: int
) -> tuple[str, dict[str, Any]]:
    """The statement that finds the posts of a page, and its values."""
    given = _given(viewer, view, monitors) | {"limit": limit}
    after = ""
    if before is not None:
        after = "AND (k.published_at, k.post_id) < (%(at)s, %(post)s)"
        given |= {"at": before[0], "post": before[1]}
    return _PAGE.format(narrow=_narrow(view), after=after), given


def mention_row(viewer: Viewer, post_id: uuid.UUID) -> MentionRow | None:
    """One post as the viewer sees it among mentions; None when none of their monitors found it."""
    rows = _rows(viewer, [post_id], [one.pk for one in monitors_of(viewer)])
    return rows[0] if rows else None


def _narrow(view: MentionView) -> str:
    parts = {
        "k.state = %(state)s": view.state,
        "k.network = %(network)s": view.network,
        "k.language = %(language)s": view.language,
        "k.assignee_id = %(assignee)s": view.assignee_id,
        "k.published_at >= %(since)s": view.since,
        "k.published_at < %(until)s": view.until,
    }
    return " ".join(f"AND {part}" for part, value in parts.items() if value)


def _given(viewer: Viewer, view: MentionView, monitors: Sequence[uuid.UUID]) -> dict[str, Any]:
    return {
        "monitors": list(monitors),
        "scopes": list(viewer.scope_ids),
        "state": view.state,
        "network": view.network,
        "language": view.language,
        "assignee": view.assignee_id,
        "since": _start(view.since) if view.since else None,
        "until": _start(view.until + timedelta(days=1)) if view.until else None,
    }


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _rows(viewer: Viewer, keys: Sequence[uuid.UUID], monitors: Sequence[uuid.UUID]) -> list[MentionRow]:
    posts = Post.objects.filter(pk__in=keys).defer("raw").in_bulk() if keys else {}
    given = {"posts": list(keys), "monitors": list(monitors), "scopes": list(viewer.scope_ids)}
    by_post: dict[uuid.UUID, list[tuple[Any, ...]]] = {}
    for row in sql.rows(_FOUND, given) if keys else ():
        by_post.setdefault(row[0], []).append(row)
    return [_row(posts[key], by_post[key]) for key in keys if key in posts and key in by_post]


def _row(post: Post, found: Sequence[tuple[Any, ...]]) -> MentionRow:
    spans = {
        (int(start), int(end))
        for row in found
        for start, end in (json.loads(row[3]) if isinstance(row[3], str) else row[3])
    }
    states = [row[4] for row in found]
    state = next((one for one in ("open", "done", "muted") if one in states), "open")
    assigned = next((row for row in found if row[5]), None)
    return MentionRow(
        post=post,
        monitors=tuple(FoundBy(row[1], row[2]) for row in found),
        spans=tuple(sorted(spans)),
        state=state,
        assignee_id=assigned[5] if assigned else None,
        assignee=assigned[6] if assigned else "",
        conversation_id=next((row[7] for row in found if row[7]), None),
    )


def days(
    viewer: Viewer, monitors: Sequence[uuid.UUID], *, number: int, zone: str = "UTC"
) -> list[tuple[date, int]]:
    """How many mentions on each of the last days, the oldest first, days without any included."""
    today = now().date()
    first = today - timedelta(days=number - 1)
    given = {
        "monitors": list(monitors),
        "scopes": list(viewer.scope_ids),
        "zone": zone,
        "since": _start(first),
    }
    found = dict(sql.rows(_DAYS, given))
    return [(day, found.get(day, 0)) for day in (first + timedelta(days=n) for n in range(number))]


def filters(viewer: Viewer) -> tuple[list[str], list[str]]:
    """The networks and languages among the newest thousand mentions, to narrow by."""
    keys = [one.pk for one in monitors_of(viewer)]
    newest = (
        Mention.objects.filter(monitor__in=keys).order_by("-published_at").values_list("network", "language")
    )
    found = list(newest[:1000])
    return sorted({one[0] for one in found}), sorted({one[1] for one in found if one[1]})


def searches() -> list[SearchRow]:
    """What is asked of networks, by account and words."""
    rows = Search.objects.select_related("channel_account").order_by("channel_account__name", "words")
    return [
        SearchRow(
            account=row.channel_account.name,
            network=row.channel_account.network,
            words=row.words,
            answered_at=row.answered_at,
            asked_at=row.asked_at,
            found=row.found,
            error=row.error,
            failures=row.failures,
        )
        for row in rows
    ]


def seen_by_network() -> list[tuple[str, int, datetime]]:
    """Each network with how many posts of it are kept and when the newest was published."""
    rows = Post.objects.filter(deleted_at=None).order_by().values_list("network")
    return [
        (network, number, at) for network, number, at in rows.annotate(n=Count("id"), at=Max("published_at"))
    ]
