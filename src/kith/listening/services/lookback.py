"""What was already seen, searched for one query: quickly for who writes it, wholly by a job once it is saved."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from kith.base.clock import now
from kith.conversations.models import Post
from kith.listening import matching
from kith.listening.models import Mention, Monitor
from kith.listening.services.mentions import mentions_remove, mentions_store
from kith.teams.types import Viewer

SECONDS, MOST_POSTS, SHOWN = 1.0, 20_000, 20
CHUNK = 1000
BACK_DAYS, BACK_POSTS = 90, 2_000_000
Spans = list[list[int]]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a query finds among the newest posts: the newest of them, and how many on each day.

    `looked_at` posts, back to `since`; `whole`: that is all there is of the last `BACK_DAYS` days.
    """

    posts: tuple[tuple[Post, Spans], ...]
    found: int
    days: tuple[tuple[date, int], ...]
    looked_at: int
    since: datetime | None
    whole: bool


def preview(viewer: Viewer, query: str) -> Preview:
    """Search for at most a second, the newest first; what is left out is said. Raises QueryError."""
    until = time.monotonic() + SECONDS
    shown: list[tuple[Post, Spans]] = []
    days: Counter[date] = Counter()
    looked_at, since, whole = 0, None, True
    for posts in _newest_first(Q(scope=None) | Q(scope_id__in=viewer.scope_ids)):
        by_id = {post.pk: post for post in posts}
        for key, _monitor, spans in matching.match_one(query, posts):
            post = by_id[key]
            days[post.published_at.date()] += 1
            if len(shown) < SHOWN:
                shown.append((post, spans))
        looked_at, since = looked_at + len(posts), posts[-1].published_at
        if looked_at >= MOST_POSTS or time.monotonic() > until:
            whole = False
            break
    first = since.date() if since else now().date()
    span = [first + timedelta(days=n) for n in range((now().date() - first).days + 1)]
    return Preview(
        tuple(shown),
        sum(days.values()),
        tuple((day, days[day]) for day in span[-BACK_DAYS:]),
        looked_at,
        since,
        whole,
    )


def monitor_look_back(monitor_id: uuid.UUID, version: int) -> int:
    """Find what was seen in the last 90 days; returns how many posts were looked at. Ends early when the monitor was changed
    meanwhile, for the job of that change does it."""
    monitor = Monitor.objects.filter(pk=monitor_id, version=version, state=Monitor.State.ON).first()
    if monitor is None:
        return 0
    begun, looked_at, since = now(), 0, None
    for posts in _newest_first(Q()):
        with transaction.atomic():
            if not _unchanged(monitor):
                return looked_at
            found = matching.match_one(monitor.query, posts)
            mentions_store([(post, monitor.pk, spans) for post, _nobody, spans in found])
            _drop_others(monitor, posts, {post for post, _nobody, _spans in found})
        looked_at, since = looked_at + len(posts), posts[-1].published_at
        if looked_at >= BACK_POSTS:
            break
    Monitor.objects.filter(pk=monitor.pk, version=version).update(looked_back_at=begun, looked_back_to=since)
    return looked_at


def _unchanged(monitor: Monitor) -> bool:
    return (
        Monitor.objects.select_for_update(of=("self",))
        .filter(pk=monitor.pk, version=monitor.version)
        .exists()
    )


def _drop_others(monitor: Monitor, posts: list[Post], found: set[uuid.UUID]) -> None:
    """What an earlier query found, and this one does not, was never dealt with, and goes."""
    rows = Mention.objects.filter(
        monitor=monitor,
        post__in=[post.pk for post in posts],
        state=Mention.State.OPEN,
        assignee=None,
        conversation=None,
    )
    mentions_remove([key for key, post in rows.values_list("pk", "post_id") if post not in found])


def _newest_first(which: Q) -> Iterator[list[Post]]:
    rows = Post.objects.filter(which, deleted_at=None, published_at__gt=now() - timedelta(days=BACK_DAYS))
    rows = rows.defer("raw").order_by("-published_at", "-id")
    last: Post | None = None
    while True:
        part = rows
        if last is not None:
            part = rows.filter(published_at__lte=last.published_at).exclude(
                published_at=last.published_at, pk__gte=last.pk
            )
        posts = list(part[:CHUNK])
        if posts:
            yield posts
        if len(posts) < CHUNK:
            return
        last = posts[-1]
