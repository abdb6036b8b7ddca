"""Files messages into threads and threads into conversations (laws 3 and 4)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kith.base.clock import now
from kith.base.ids import new_id
from kith.conversations.models import Conversation, Thread
from kith.conversations.types import IncomingMessage, Place
from kith.core import rows, sql

JOIN_WITHIN = timedelta(days=14)


@dataclass(slots=True)
class FiledThread:
    id: uuid.UUID
    conversation_id: uuid.UUID
    subject_key: str
    visibility: str
    identity_id: uuid.UUID | None
    last_at: datetime
    subject: str = ""
    made: bool = False


@dataclass(slots=True)
class Filing:
    """The threads that a batch touches: those known by key, those made on the way."""

    place: Place
    by_key: dict[str, FiledThread] = field(default_factory=dict)
    recent: dict[tuple[uuid.UUID, str], list[FiledThread]] = field(default_factory=dict)
    threads: list[FiledThread] = field(default_factory=list)
    conversations: list[tuple[Any, ...]] = field(default_factory=list)
    keys: dict[str, uuid.UUID] = field(default_factory=dict)
    touched: dict[uuid.UUID, datetime] = field(default_factory=dict)


_BY_KEY = """
SELECT k.key, t.id, t.conversation_id, t.subject_key, t.visibility, t.identity_id, t.last_at
FROM conversations_threadkey k JOIN conversations_thread t ON t.id = k.thread_id
WHERE k.network = %(network)s AND k.scope_id = %(scope)s AND k.key = ANY (%(keys)s::text[])
"""
# All threads of the same outside people (a contact's other identities too) in this scope since a time.
_RECENT = """
WITH people AS (
    SELECT w.id AS asked, coalesce(peer.id, w.id) AS id
    FROM unnest(%(identities)s::uuid[]) AS w (id)
    JOIN contacts_identity i ON i.id = w.id
    LEFT JOIN contacts_contact c ON c.id = i.contact_id
    LEFT JOIN contacts_contact alias ON alias.canonical_id = c.canonical_id
    LEFT JOIN contacts_identity peer ON peer.contact_id = alias.id
)
SELECT people.asked, t.id, t.conversation_id, t.subject_key, t.visibility, t.identity_id, t.last_at
FROM people JOIN LATERAL (
    SELECT * FROM conversations_thread t
    WHERE t.identity_id = people.id AND t.scope_id = %(scope)s AND t.last_at >= %(since)s::timestamptz
    ORDER BY t.last_at DESC LIMIT 20
) t ON true
"""
_CONVERSATION = (
    "id", "created_at", "status", "assignee_id", "team_id", "priority", "snoozed_until", "identity_id", "joined_into_id",
    "closed_at", "first_response_at", "tray_decided", "ruled_at",
    "complaint",
)  # fmt: skip
_THREAD = (
    "id", "created_at", "conversation_id", "scope_id", "network", "channel_account_id", "visibility", "subject",
    "subject_key", "identity_id", "last_at", "regroupings",
)  # fmt: skip
_KEYS = """
INSERT INTO conversations_threadkey (thread_id, scope_id, network, key)
SELECT k.thread_id, %(scope)s::uuid, %(network)s::text, k.key
FROM unnest(%(threads)s::uuid[], %(keys)s::text[]) AS k (thread_id, key)
ON CONFLICT DO NOTHING
"""
_TOUCHED = """
UPDATE conversations_thread t SET last_at = greatest(t.last_at, n.at)
FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) AS n (id, at) WHERE t.id = n.id
"""


def load(place: Place, messages: Sequence[IncomingMessage], outsiders: Sequence[uuid.UUID | None]) -> Filing:
    """Look up, in two queries, every thread that a batch may belong to."""
    filing = Filing(place)
    keys = {k[:1000] for m in messages for k in (*m.thread_keys, m.own_key) if k}
    if keys:
        given: dict[str, Any] = {"network": place.network, "scope": place.scope_id, "keys": list(keys)}
        known: dict[uuid.UUID, FiledThread] = {}
        for key, *row in sql.prepared(_BY_KEY, given):
            filing.by_key[key] = known.setdefault(row[0], FiledThread(*row))
    people = list({o for o in outsiders if o})
    if people:
        since = min(m.at for m in messages) - JOIN_WITHIN
        given = {"identities": people, "scope": place.scope_id, "since": since}
        for asked, *row in sql.prepared(_RECENT, given):
            thread = FiledThread(*row)
            filing.recent.setdefault((asked, thread.visibility), []).append(thread)
    return filing


def file(filing: Filing, message: IncomingMessage, outsider: uuid.UUID | None, *, alone: bool) -> FiledThread:
    """The thread of one message: by key, by subject among one person's recent threads, or a new one.

    `alone`: exactly one person outside takes part, so that a new thread may join their running conversation.
    """
    found = _by_key(filing, message)
    if found is None and outsider is not None:
        found = _by_subject(filing, message, outsider)
    if found is None:
        found = _new(filing, message, outsider, alone=alone)
    for key in dict.fromkeys((*message.thread_keys, message.own_key)):
        if key and key[:1000] not in filing.by_key:
            filing.by_key[key[:1000]] = found
            filing.keys[key[:1000]] = found.id
    if message.at > found.last_at or found.made:
        found.last_at = max(found.last_at, message.at)
        filing.touched[found.id] = found.last_at
    return found


def _same_subject(thread: FiledThread, message: IncomingMessage) -> bool:
    return (
        not message.subject_key or not thread.subject_key or thread.subject_key == message.subject_key[:200]
    )


def _by_key(filing: Filing, message: IncomingMessage) -> FiledThread | None:
    if message.own_key and (own := filing.by_key.get(message.own_key[:1000])):
        return own
    for key in message.thread_keys:
        thread = filing.by_key.get(key[:1000])
        if thread is not None and thread.visibility == message.visibility:
            if _same_subject(thread, message):
                return thread
            # Another matter in reply to an old mail: a thread of its own in the same conversation.
            return _new(
                filing, message, thread.identity_id, alone=False, conversation_id=thread.conversation_id
            )
    return None


def _by_subject(filing: Filing, message: IncomingMessage, outsider: uuid.UUID) -> FiledThread | None:
    if not message.subject_key or message.automatic in ("list", "notification", "mention"):
        return None
    for thread in filing.recent.get((outsider, message.visibility), ()):
        if (
            thread.subject_key == message.subject_key[:200]
            and abs(message.at - thread.last_at) <= JOIN_WITHIN
        ):
            return thread
    return None


def _new(
    filing: Filing,
    message: IncomingMessage,
    outsider: uuid.UUID | None,
    *,
    alone: bool,
    conversation_id: uuid.UUID | None = None,
) -> FiledThread:
    recent = filing.recent.setdefault((outsider, message.visibility), []) if outsider else []
    if conversation_id is None and alone and not message.automatic:
        near = [t for t in recent if abs(message.at - t.last_at) <= JOIN_WITHIN]
        if near:
            conversation_id = max(near, key=lambda t: t.last_at).conversation_id
    if conversation_id is None:
        conversation_id = new_id()
        status = (
            Conversation.Status.CLOSED if _is_history(filing.place, message) else Conversation.Status.OPEN
        )
        nobody_decided = (None,) * 5
        filing.conversations.append(
            (
                conversation_id,
                now(),
                status.value,
                None,
                filing.place.team_id,
                0,
                None,
                outsider,
                *nobody_decided,
                False,
            )
        )
    filed = FiledThread(
        new_id(),
        conversation_id,
        message.subject_key[:200],
        message.visibility,
        outsider,
        message.at,
        subject=message.subject[:500],
        made=True,
    )
    filing.threads.append(filed)
    recent.append(filed)
    return filed


def _is_history(place: Place, message: IncomingMessage) -> bool:
    return place.history_until is not None and message.at < place.history_until


def store(filing: Filing) -> None:
    """Write what `file` made: conversations, threads and keys, and the last time of touched threads."""
    place, moment = filing.place, now()
    rows.copy(Conversation, _CONVERSATION, filing.conversations)
    where = (place.scope_id, place.network, place.channel_account_id)
    rows.copy(
        Thread,
        _THREAD,
        [
            (t.id, moment, t.conversation_id, *where, t.visibility, t.subject, t.subject_key, t.identity_id, t.last_at, [])
            for t in filing.threads
        ],
    )  # fmt: skip
    if filing.keys:
        given = {"scope": place.scope_id, "network": place.network}
        given |= {"keys": list(filing.keys), "threads": list(filing.keys.values())}
        sql.prepared_run(_KEYS, given)
    made = {thread.id for thread in filing.threads}
    old = {key: at for key, at in filing.touched.items() if key not in made}
    if old:
        sql.prepared_run(_TOUCHED, {"ids": list(old), "times": list(old.values())})
