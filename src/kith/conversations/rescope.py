"""When a channel account gets another audience, what came through it moves to the new scope (laws 3, 4 and 11).

A message that another account of the old scope saw too stays visible there: who may see any copy may see the message.
A thread that both accounts saw is split; both halves stay in one conversation, which then shows in two scopes.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection

from kith.base.ids import new_id
from kith.conversations.services.refresh import conversations_refresh
from kith.networks.services import on_rescope

_CHUNK = 2000

# Notes and answers that belong to no account go with their thread.
_THREADS = """
SELECT t.id, t.conversation_id, EXISTS (
    SELECT 1 FROM conversations_messagecopy o
    WHERE o.thread_id = t.id AND o.channel_account_id IS NOT NULL AND o.channel_account_id <> %(account)s)
FROM conversations_thread t
WHERE t.scope_id = %(old)s AND (t.channel_account_id = %(account)s OR EXISTS (
    SELECT 1 FROM conversations_messagecopy k WHERE k.thread_id = t.id AND k.channel_account_id = %(account)s))
"""
_WHOLE = (
    "UPDATE conversations_thread SET scope_id = %(new)s WHERE id = ANY (%(threads)s)",
    "UPDATE conversations_messagecopy SET scope_id = %(new)s WHERE thread_id = ANY (%(threads)s)",
    """DELETE FROM conversations_threadkey k WHERE k.thread_id = ANY (%(threads)s) AND EXISTS (
           SELECT 1 FROM conversations_threadkey o
           WHERE o.network = k.network AND o.key = k.key AND o.scope_id = %(new)s)""",
    "UPDATE conversations_threadkey SET scope_id = %(new)s WHERE thread_id = ANY (%(threads)s)",
)
_SPLIT = (
    """INSERT INTO conversations_thread (id, created_at, conversation_id, scope_id, network, channel_account_id,
           visibility, subject, subject_key, identity_id, last_at, regroupings)
       SELECT %(half)s, now(), conversation_id, %(new)s, network, %(account)s, visibility, subject, subject_key,
              identity_id, last_at, '{}' FROM conversations_thread WHERE id = %(thread)s""",
    """UPDATE conversations_messagecopy SET thread_id = %(half)s, scope_id = %(new)s, first_in_thread = false
       WHERE thread_id = %(thread)s AND channel_account_id = %(account)s""",
    """UPDATE conversations_messagecopy k SET first_in_thread = true WHERE k.id IN (
           SELECT DISTINCT ON (c.message_id, c.thread_id) c.id FROM conversations_messagecopy c
           WHERE c.thread_id IN (%(half)s, %(thread)s) AND NOT EXISTS (
               SELECT 1 FROM conversations_messagecopy f
               WHERE f.thread_id = c.thread_id AND f.message_id = c.message_id AND f.first_in_thread)
           ORDER BY c.message_id, c.thread_id, c.id)""",
    """INSERT INTO conversations_threadkey (thread_id, scope_id, network, key)
       SELECT %(half)s, %(new)s, network, key FROM conversations_threadkey WHERE thread_id = %(thread)s
       ON CONFLICT DO NOTHING""",
    """UPDATE conversations_thread t SET
           last_at = coalesce((SELECT max(at) FROM conversations_messagecopy WHERE thread_id = t.id), t.last_at),
           channel_account_id = CASE WHEN t.id = %(half)s THEN t.channel_account_id ELSE (
               SELECT channel_account_id FROM conversations_messagecopy WHERE thread_id = t.id
               AND channel_account_id IS NOT NULL ORDER BY id LIMIT 1) END
       WHERE t.id IN (%(half)s, %(thread)s)""",
)
_LEFT = """
CREATE TEMPORARY TABLE moved_messages ON COMMIT DROP AS
SELECT DISTINCT k.message_id AS id, NOT EXISTS (
    SELECT 1 FROM conversations_messagecopy o WHERE o.message_id = k.message_id AND o.scope_id = %(old)s) AS gone
FROM conversations_messagecopy k WHERE k.thread_id = ANY (%(threads)s)
"""
_DERIVED = (
    """UPDATE conversations_searchdocument d SET vector = array_to_tsvector(
               ARRAY['scope:' || %(new)s::uuid, 'seen:' || %(new)s::uuid || ':' || month])
           || CASE WHEN gone THEN ts_delete(d.vector,
                  ARRAY['scope:' || %(old)s::uuid, 'seen:' || %(old)s::uuid || ':' || month]) ELSE d.vector END
       FROM (SELECT l.id, l.gone, to_char(m.at AT TIME ZONE 'UTC', 'YYYYMM') AS month
             FROM moved_messages l JOIN conversations_message m ON m.id = l.id) moved WHERE d.message_id = moved.id""",
    """UPDATE contacts_fact f SET scope_id = %(new)s FROM moved_messages m
       WHERE m.gone AND f.message_id = m.id AND f.scope_id = %(old)s""",
    """UPDATE work_task f SET scope_id = %(new)s FROM moved_messages m
       WHERE m.gone AND f.message_id = m.id AND f.scope_id = %(old)s""",
    """UPDATE work_promise f SET scope_id = %(new)s FROM moved_messages m
       WHERE m.gone AND f.message_id = m.id AND f.scope_id = %(old)s""",
    """UPDATE teams_notification f SET scope_id = %(new)s FROM moved_messages m
       WHERE m.gone AND f.subject_id = m.id AND f.scope_id = %(old)s""",
    """UPDATE teams_notification f SET scope_id = %(new)s
       WHERE f.scope_id = %(old)s AND f.subject_id = ANY (%(conversations)s) AND NOT EXISTS (
           SELECT 1 FROM conversations_thread t WHERE t.conversation_id = f.subject_id AND t.scope_id = %(old)s)""",
    "DROP TABLE moved_messages",
)


def register() -> None:
    on_rescope("conversations", channel_account_rescope)


def channel_account_rescope(account_id: uuid.UUID, old: uuid.UUID, new: uuid.UUID) -> None:
    """Move threads, copies, search documents and what was derived; runs in the caller's transaction."""
    values: dict[str, Any] = {"account": account_id, "old": old, "new": new}
    with connection.cursor() as cursor:
        cursor.execute(_THREADS, values)
        found = cursor.fetchall()
        whole = [thread for thread, _, mixed in found if not mixed]
        values["threads"] = whole
        for statement in _WHOLE:
            cursor.execute(statement, values)
        halves = []
        for thread in (thread for thread, _, mixed in found if mixed):
            halves.append(new_id())
            for statement in _SPLIT:
                cursor.execute(statement, {**values, "thread": thread, "half": halves[-1]})
        conversations = sorted({conversation for _, conversation, _ in found})
        values.update(threads=whole + halves, conversations=conversations)
        for statement in (_LEFT, *_DERIVED):
            cursor.execute(statement, values)
    for start in range(0, len(conversations), _CHUNK):
        conversations_refresh(conversations[start : start + _CHUNK])
