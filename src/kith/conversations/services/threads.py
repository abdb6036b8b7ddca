"""Files messages into threads and threads into conversations (laws 3 and 4)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from kith.base.ids import new_id
from kith.conversations.models import Conversation, Thread, ThreadKey
from kith.conversations.types import IncomingMessage, Place

JOIN_WITHIN = timedelta(days=14)


@dataclass(slots=True)
class FiledThread:
    id: uuid.UUID
    conversation_id: uuid.UUID
    subject_key: str
    visibility: str
    identity_id: uuid.UUID | None
    last_at: datetime
    made: Thread | None = None


@dataclass(slots=True)
class Filing:
    """The threads that a batch touches: those known by key, those made on the way."""

    place: Place
    by_key: dict[str, FiledThread] = field(default_factory=dict)
    recent: dict[tuple[uuid.UUID, str], list[FiledThread]] = field(default_factory=dict)
    contacts: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    threads: list[Thread] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    keys: list[ThreadKey] = field(default_factory=list)
    touched: dict[uuid.UUID, datetime] = field(default_factory=dict)


_BY_KEY = """
SELECT k.key, t.id, t.conversation_id, t.subject_key, t.visibility, t.identity_id, t.last_at
FROM conversations_threadkey k JOIN conversations_thread t ON t.id = k.thread_id
WHERE k.network = %(network)s AND k.scope_id = %(scope)s AND k.key = ANY (%(keys)s)
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
    WHERE t.identity_id = people.id AND t.scope_id = %(scope)s AND t.last_at >= %(since)s
    ORDER BY t.last_at DESC LIMIT 20
) t ON true
"""


def load(place: Place, messages: Sequence[IncomingMessage], outsiders: Sequence[uuid.UUID | None]) -> Filing:
    """Look up, in two queries, every thread that a batch may belong to."""
    filing = Filing(place)
    keys = {k[:1000] for m in messages for k in (*m.thread_keys, m.own_key) if k}
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(_BY_KEY, {"network": place.network, "scope": place.scope_id, "keys": list(keys)})
            known: dict[uuid.UUID, FiledThread] = {}
            for key, *row in cursor.fetchall():
                filing.by_key[key] = known.setdefault(row[0], FiledThread(*row))
    people = list({o for o in outsiders if o})
    if people:
        since = min(m.at for m in messages) - JOIN_WITHIN
        with connection.cursor() as cursor:
            cursor.execute(_RECENT, {"identities": people, "scope": place.scope_id, "since": since})
            for asked, *row in cursor.fetchall():
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
            filing.keys.append(
                ThreadKey(
                    thread_id=found.id,
                    scope_id=filing.place.scope_id,
                    network=filing.place.network,
                    key=key[:1000],
                )
            )
    if message.at > found.last_at or found.made is not None:
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
        conversation = Conversation(
            id=new_id(),
            identity_id=outsider,
            team_id=filing.place.team_id,
            status=Conversation.Status.CLOSED
            if _is_history(filing.place, message)
            else Conversation.Status.OPEN,
        )
        filing.conversations.append(conversation)
        conversation_id = conversation.id
    thread = Thread(
        id=new_id(),
        conversation_id=conversation_id,
        scope_id=filing.place.scope_id,
        network=filing.place.network,
        channel_account_id=filing.place.channel_account_id,
        visibility=message.visibility,
        subject=message.subject[:500],
        subject_key=message.subject_key[:200],
        identity_id=outsider,
        last_at=message.at,
    )
    filing.threads.append(thread)
    filed = FiledThread(
        thread.id, conversation_id, thread.subject_key, thread.visibility, outsider, message.at, made=thread
    )
    recent.append(filed)
    return filed


def _is_history(place: Place, message: IncomingMessage) -> bool:
    return place.history_until is not None and message.at < place.history_until


def store(filing: Filing) -> None:
    """Write what `file` made: conversations, threads and keys, and the last time of touched threads."""
    for thread in filing.threads:
        thread.last_at = filing.touched.get(thread.id, thread.last_at)
    Conversation.objects.bulk_create(filing.conversations)
    Thread.objects.bulk_create(filing.threads)
    ThreadKey.objects.bulk_create(filing.keys, ignore_conflicts=True)
    made = {thread.id for thread in filing.threads}
    old = {key: at for key, at in filing.touched.items() if key not in made}
    if old:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE conversations_thread t SET last_at = greatest(t.last_at, n.at) "
                "FROM unnest(%s::uuid[], %s::timestamptz[]) AS n (id, at) WHERE t.id = n.id",
                [list(old), list(old.values())],
            )
