"""Posts become mentions of the monitors that find them; counts follow in the same transaction; colleagues decide."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from kith.base.clock import now
from kith.base.ids import new_id
from kith.conversations.models import Post
from kith.core import sql
from kith.listening import matching
from kith.listening.errors import ListeningError
from kith.listening.matching import Found
from kith.listening.models import Mention, Monitor
from kith.teams.models import User
from kith.teams.selectors import viewer_of
from kith.teams.types import Viewer

BATCH = 500

# What is found again keeps what was decided about it. Counts are added to, so that two writers can't lose one another's.
_STORE = """
WITH n AS (
    SELECT * FROM unnest(%(id)s::uuid[], %(monitor)s::uuid[], %(post)s::uuid[], %(spans)s::jsonb[]) AS n (id, monitor, post, spans)
), stored AS (
    INSERT INTO listening_mention (id, created_at, monitor_id, post_id, spans, published_at, network, language, scope_id, state)
    SELECT n.id, %(now)s, m.id, p.id, n.spans, p.published_at, p.network, p.language, p.scope_id, 'open'
    FROM n JOIN conversations_post p ON p.id = n.post AND p.deleted_at IS NULL
           JOIN listening_monitor m ON m.id = n.monitor AND m.state <> 'removed'
    ON CONFLICT (monitor_id, post_id) DO NOTHING RETURNING id, monitor_id, published_at, scope_id
), counted AS (
    INSERT INTO listening_mentioncount AS c (monitor_id, hour, scope_id, number)
    SELECT monitor_id, date_trunc('hour', published_at, 'UTC'), scope_id, count(*) FROM stored GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (monitor_id, hour, scope_id) DO UPDATE SET number = c.number + excluded.number
) SELECT id FROM stored
"""
# What was in our inbox only may be found in public meanwhile: it counts for others, then.
_AGAIN = """
WITH n AS (
    SELECT * FROM unnest(%(monitor)s::uuid[], %(post)s::uuid[], %(spans)s::jsonb[]) AS n (monitor, post, spans)
), again AS (
    UPDATE listening_mention k SET spans = n.spans, scope_id = p.scope_id
    FROM n, conversations_post p, listening_mention o
    WHERE k.monitor_id = n.monitor AND k.post_id = n.post AND p.id = n.post AND o.id = k.id
      AND (k.spans <> n.spans OR k.scope_id IS DISTINCT FROM p.scope_id)
    RETURNING k.monitor_id, date_trunc('hour', k.published_at, 'UTC') AS hour, o.scope_id AS before, k.scope_id AS scope_id
), moved AS (
    SELECT * FROM again WHERE before IS DISTINCT FROM scope_id
), fewer AS (
    UPDATE listening_mentioncount c SET number = greatest(0, c.number - m.number)
    FROM (SELECT monitor_id, hour, before, count(*) AS number FROM moved GROUP BY 1, 2, 3) m
    WHERE c.monitor_id = m.monitor_id AND c.hour = m.hour AND c.scope_id IS NOT DISTINCT FROM m.before
)
INSERT INTO listening_mentioncount AS c (monitor_id, hour, scope_id, number)
SELECT monitor_id, hour, scope_id, count(*) FROM moved GROUP BY 1, 2, 3
ON CONFLICT (monitor_id, hour, scope_id) DO UPDATE SET number = c.number + excluded.number
"""
_REMOVE = """
WITH gone AS (DELETE FROM listening_mention WHERE id = ANY (%(ids)s::uuid[]) RETURNING monitor_id, published_at, scope_id)
UPDATE listening_mentioncount c SET number = greatest(0, c.number - g.number)
FROM (SELECT monitor_id, date_trunc('hour', published_at, 'UTC') AS hour, scope_id, count(*) AS number FROM gone GROUP BY 1, 2, 3) g
WHERE c.monitor_id = g.monitor_id AND c.hour = g.hour AND c.scope_id IS NOT DISTINCT FROM g.scope_id
"""


def posts_match(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Match stored posts against every monitor; returns the ids of new mentions. Doing it again changes nothing.

    The bytes of a post are kept when somebody looks for it. A post that was changed, and is not found any more, is a mention
    no longer, unless a colleague has dealt with it.
    """
    made: list[uuid.UUID] = []
    for start in range(0, len(ids), BATCH):
        posts = list(Post.objects.filter(pk__in=ids[start : start + BATCH], deleted_at=None).defer("raw"))
        found = matching.match(posts)
        with transaction.atomic():
            made += mentions_store(found)
            _not_found_any_more(posts, found)
            unwanted = {post.pk for post in posts} - {post for post, _monitor, _spans in found}
            Post.objects.filter(pk__in=unwanted).exclude(raw=None).exclude(mentions__isnull=False).update(
                raw=None
            )
    return made


def mentions_store(found: Sequence[Found]) -> list[uuid.UUID]:
    """Keep what was found, in the caller's transaction; returns the ids of what is new."""
    if not found:
        return []
    given = {
        "id": [new_id() for _ in found],
        "monitor": [monitor for _post, monitor, _spans in found],
        "post": [post for post, _monitor, _spans in found],
        "spans": [Jsonb(spans) for _post, _monitor, spans in found],
        "now": now(),
    }
    made = [row[0] for row in sql.rows(_STORE, given)]
    if len(made) < len(found):
        sql.run(_AGAIN, given)
    return made


def _not_found_any_more(posts: Iterable[Post], found: Sequence[Found]) -> None:
    edited = [post.pk for post in posts if post.edited_at is not None]
    if not edited:
        return
    still = {(post, monitor) for post, monitor, _spans in found}
    rows = Mention.objects.filter(post__in=edited, state=Mention.State.OPEN, conversation=None, assignee=None)
    mentions_remove(
        [
            key
            for key, post, monitor in rows.values_list("pk", "post_id", "monitor_id")
            if (post, monitor) not in still
        ]
    )


def mentions_remove(ids: Sequence[uuid.UUID]) -> None:
    if ids:
        sql.run(_REMOVE, {"ids": list(ids)})


def posts_unmention(post_ids: Sequence[uuid.UUID]) -> None:
    """Posts that are gone are found no more, whatever was decided about them."""
    with transaction.atomic():
        mentions_remove(list(Mention.objects.filter(post__in=post_ids).values_list("pk", flat=True)))


@transaction.atomic
def counts_rebuild(monitor: Monitor) -> None:
    """Count anew from the mentions; writers of counts wait meanwhile."""
    sql.run("LOCK TABLE listening_mentioncount IN SHARE ROW EXCLUSIVE MODE")
    sql.run("DELETE FROM listening_mentioncount WHERE monitor_id = %(monitor)s", {"monitor": monitor.pk})
    sql.run(
        "INSERT INTO listening_mentioncount (monitor_id, hour, scope_id, number) "
        "SELECT monitor_id, date_trunc('hour', published_at, 'UTC'), scope_id, count(*) FROM listening_mention "
        "WHERE monitor_id = %(monitor)s GROUP BY 1, 2, 3",
        {"monitor": monitor.pk},
    )


# --- what colleagues decide ------------------------------------------------------------------------------------------


def mentions_of_post(viewer: Viewer, post_id: uuid.UUID) -> list[Mention]:
    """The mentions of one post that the viewer may see, locked."""
    return [
        one
        for one in Mention.objects.select_for_update(of=("self",))
        .filter(post_id=post_id, monitor__scope_id__in=viewer.scope_ids)
        .exclude(monitor__state=Monitor.State.REMOVED)
        .order_by("pk")
        if viewer.sees(one.scope_id)
    ]


@transaction.atomic
def post_decide(viewer: Viewer, post_id: uuid.UUID, state: str) -> list[tuple[uuid.UUID, str]]:
    """Done, muted or open again: in every monitor of the viewer that found the post. Returns what each was before."""
    if state not in Mention.State.values:
        raise ListeningError(_("There is no such state."))
    rows = _theirs(viewer, post_id)
    before = [(one.pk, str(one.state)) for one in rows]
    at, by = (now(), viewer.user_id) if state != Mention.State.OPEN else (None, None)
    Mention.objects.filter(pk__in=[one.pk for one in rows]).update(state=state, decided_at=at, decided_by=by)
    return before


@transaction.atomic
def post_assign(viewer: Viewer, post_id: uuid.UUID, user: User | None) -> None:
    """Somebody takes care of it: who sees it, or nobody. Raises ListeningError."""
    rows = _theirs(viewer, post_id)
    if user is not None:
        sight = viewer_of(user)
        rows = [one for one in rows if sight.sees(one.scope_id) and sight.sees(one.monitor.scope_id)]
        if not user.is_active or not rows:
            raise ListeningError(_("%(name)s may not see this post.") % {"name": user.name}, field="assignee")
    Mention.objects.filter(pk__in=[one.pk for one in rows]).update(assignee=user)


@transaction.atomic
def post_answered(viewer: Viewer, post_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
    """An answer is on its way, in this conversation: the post is dealt with."""
    keys = [one.pk for one in _theirs(viewer, post_id)]
    Mention.objects.filter(pk__in=keys).update(
        conversation_id=conversation_id, state=Mention.State.DONE, decided_at=now(), decided_by=viewer.user_id
    )


def _theirs(viewer: Viewer, post_id: uuid.UUID) -> list[Mention]:
    rows = mentions_of_post(viewer, post_id)
    if not viewer.may_write or not rows:
        raise ListeningError(_("There is no such post."))
    return rows
