"""News for open screens, told when the running transaction commits: PostgreSQL's NOTIFY on one channel.

A bare list `[[conversation id, scope id], ...]` says that conversations changed. Other news is an object:
`{"kind": "presence", "pairs": [[conversation id, scope id], ...]}` goes to those who see the scope,
`{"kind": "notification", "users": [user id, ...]}` to users.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable

from django.core.cache import cache
from django.db import connection

CHANNEL = "kith_live"
HERE_FOR = 100  # seconds for which a user with an open screen counts as here
_AT_ONCE = 80  # a notice holds 8,000 bytes


def _tell(payload: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps(payload)])


def tell_scopes(kind: str, pairs: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Tell everyone who sees a scope of news of `kind` about a conversation in it: (conversation, scope) pairs."""
    rows = [[str(c), str(s)] for c, s in pairs]
    for start in range(0, len(rows), _AT_ONCE):
        _tell({"kind": kind, "pairs": rows[start : start + _AT_ONCE]})


def tell_users(kind: str, user_ids: Iterable[uuid.UUID]) -> None:
    """Tell some users, on every screen that they have open, of news of `kind`."""
    rows = [str(u) for u in user_ids]
    for start in range(0, len(rows), _AT_ONCE):
        _tell({"kind": kind, "users": rows[start : start + _AT_ONCE]})


def user_news(kind: str, user_id: uuid.UUID) -> str:
    """What `tell_users` says to one user, for a statement that tells by itself: `pg_notify(CHANNEL, this)`."""
    return json.dumps({"kind": kind, "users": [str(user_id)]})


def here_note(user_id: uuid.UUID) -> None:
    """A user has a screen open now."""
    cache.set(f"here:{user_id}", True, HERE_FOR)


def here(user_ids: Iterable[uuid.UUID]) -> bool:
    """Whether one of the users has a screen open."""
    keys = [f"here:{u}" for u in user_ids]
    return bool(keys and cache.get_many(keys))
