"""Rebuilds what is derived from rows: the inbox's rows, the search documents, the live news of a change."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db import connection

from kith.conversations.models import MessageCopy
from kith.core import sql
from kith.core.sql import LONG_WORD, for_words

LIVE_CHANNEL = "kith_live"

# `recent` looks at the last 200 messages: who waits, and why a conversation is held, never hang on older ones.
_REFRESH = """
WITH wanted AS (SELECT unnest(%(ids)s::uuid[]) AS id),
threads AS (
    SELECT t.id, t.conversation_id, t.scope_id, t.network, t.visibility
    FROM conversations_thread t JOIN wanted w ON w.id = t.conversation_id
),
pairs AS (
    SELECT conversation_id, scope_id, array_agg(id) AS thread_ids, array_agg(DISTINCT network ORDER BY network) AS nets,
           bool_or(visibility = 'public') AS is_public
    FROM threads GROUP BY conversation_id, scope_id
),
rows AS (
    SELECT p.*, s.*, (SELECT count(*) FROM conversations_messagecopy k
                      WHERE k.thread_id = ANY (p.thread_ids) AND k.first_in_thread) AS total
    FROM pairs p
    CROSS JOIN LATERAL (
        WITH recent AS MATERIALIZED (
            SELECT m.id, k.at, m.direction, m.automatic, m.history, m.subject, m.state, m.language, m.labels,
                   m.extra ? 'forward_of' AS aside
            FROM conversations_messagecopy k JOIN conversations_message m ON m.id = k.message_id
            WHERE k.thread_id = ANY (p.thread_ids) AND k.first_in_thread AND m.state <> 'cancelled'
            ORDER BY k.at DESC, k.message_id DESC LIMIT 200
        ),
        talk AS (SELECT * FROM recent WHERE direction <> 'note'),
        newest AS (SELECT * FROM talk ORDER BY at DESC, id DESC LIMIT 1)
        SELECT coalesce((SELECT at FROM newest), (SELECT max(at) FROM recent)) AS last_at,
               coalesce((SELECT direction FROM newest), 'note') AS last_direction,
               coalesce((SELECT left(regexp_replace(left(m.text, least(600, nullif(m.quote_at, 0), nullif(m.signature_at, 0))),
                                     '\\s+', ' ', 'g'), 280)
                         FROM conversations_message m
                         WHERE m.id = coalesce((SELECT id FROM newest), (SELECT id FROM recent LIMIT 1))), '') AS snippet,
               coalesce((SELECT subject FROM talk WHERE subject <> '' ORDER BY at DESC, id DESC LIMIT 1), '') AS subject,
               (SELECT min(at) FROM talk WHERE direction = 'in' AND automatic = '' AND NOT history
                  AND at > coalesce((SELECT max(at) FROM talk WHERE direction = 'out' AND automatic = '' AND NOT aside
                                     AND state NOT IN ('failed', 'held', 'scheduled')), '-infinity')) AS waiting_since,
               CASE WHEN EXISTS (SELECT 1 FROM talk WHERE automatic IN ('', 'mention')) THEN ''
                    ELSE coalesce((SELECT automatic FROM newest), '') END AS tray,
               coalesce((SELECT left(lower(split_part(language, '-', 1)), 8) FROM talk
                         WHERE direction = 'in' AND language <> '' ORDER BY at DESC, id DESC LIMIT 1), '') AS language,
               array(SELECT DISTINCT l FROM talk CROSS JOIN unnest(labels) AS l
                     WHERE direction = 'in' AND (
                       at > coalesce((SELECT max(at) FROM talk WHERE direction = 'out' AND automatic = '' AND NOT aside
                                      AND state NOT IN ('failed', 'held', 'scheduled')), '-infinity')
                       OR id = (SELECT id FROM talk WHERE direction = 'in' ORDER BY at DESC, id DESC LIMIT 1))
                     ORDER BY l) AS labels,
               (SELECT count(*) FROM recent) AS seen
    ) s
)
INSERT INTO conversations_conversationscope AS cs
    (conversation_id, scope_id, status, tray, assignee_id, team_id, priority, identity_id, subject, snippet, networks,
     is_public, message_count, last_at, last_direction, waiting_since, snoozed_until, language, labels)
SELECT r.conversation_id, r.scope_id, c.status, coalesce(c.tray_decided, r.tray), c.assignee_id, c.team_id, c.priority,
       c.identity_id, left(r.subject, 500), r.snippet, r.nets, r.is_public, r.total, r.last_at, r.last_direction,
       CASE WHEN c.status = 'closed' THEN NULL ELSE r.waiting_since END, c.snoozed_until, r.language, r.labels
FROM rows r JOIN conversations_conversation c ON c.id = r.conversation_id
WHERE r.seen > 0
ORDER BY r.conversation_id, r.scope_id
ON CONFLICT (conversation_id, scope_id) DO UPDATE SET
    status = excluded.status, tray = excluded.tray, assignee_id = excluded.assignee_id, team_id = excluded.team_id,
    priority = excluded.priority, identity_id = excluded.identity_id, subject = excluded.subject,
    snippet = excluded.snippet, networks = excluded.networks, is_public = excluded.is_public,
    message_count = excluded.message_count, last_at = excluded.last_at, last_direction = excluded.last_direction,
    waiting_since = excluded.waiting_since, snoozed_until = excluded.snoozed_until, language = excluded.language,
    labels = excluded.labels
RETURNING cs.conversation_id, cs.scope_id
"""
_EMPTY = """
DELETE FROM conversations_conversationscope cs WHERE cs.conversation_id = ANY (%(ids)s::uuid[]) AND NOT EXISTS (
    SELECT 1 FROM conversations_thread t JOIN conversations_messagecopy k ON k.thread_id = t.id
    WHERE t.conversation_id = cs.conversation_id AND t.scope_id = cs.scope_id)
RETURNING cs.conversation_id, cs.scope_id
"""

# A mail's body is read up to 100,000 characters; attachments by name, people by name and address.
_DOCUMENTS = """
INSERT INTO conversations_searchdocument (message_id, at, vector, cjk)
SELECT m.id, m.at,
       array_to_tsvector(array_remove(ARRAY[
              'net:' || m.network, 'dir:' || m.direction, 'month:' || to_char(m.at AT TIME ZONE 'UTC', 'YYYYMM'),
              'from:' || m.sender_id,
              CASE WHEN EXISTS (SELECT 1 FROM conversations_attachment a WHERE a.message_id = m.id AND NOT a.inline)
                   THEN 'has:file' END], NULL)
           || array(SELECT 'scope:' || k.scope_id FROM conversations_messagecopy k WHERE k.message_id = m.id)
           || array(SELECT 'seen:' || k.scope_id || ':' || to_char(m.at AT TIME ZONE 'UTC', 'YYYYMM')
                    FROM conversations_messagecopy k WHERE k.message_id = m.id))
       || setweight(to_tsvector('kith', {subject}), 'A')
       || setweight(to_tsvector('kith', coalesce((
              SELECT string_agg(left(i.display_name || ' ' || i.handle || ' ' || i.external_id, 400), ' ')
              FROM (SELECT DISTINCT identity_id FROM conversations_participant p
                    WHERE p.message_id = m.id AND p.role <> 'bcc' LIMIT 30) p
              JOIN contacts_identity i ON i.id = p.identity_id), '')), 'B')
       || to_tsvector('kith', CASE WHEN w.wrapped THEN {wrapped} ELSE {text} END)
       || to_tsvector('kith', coalesce((SELECT string_agg({file_name}, ' ')
                                        FROM conversations_attachment a WHERE a.message_id = m.id), '')),
       CASE WHEN NOT w.ascii AND m.text || m.subject ~ '[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]'
            THEN left(m.subject || ' ' || m.text, 20000) ELSE '' END
FROM unnest(%(ids)s::uuid[], %(wrapped)s::bool[], %(ascii)s::bool[]) AS w (id, wrapped, ascii)
JOIN conversations_message m ON m.id = w.id
ON CONFLICT (message_id) DO UPDATE SET at = excluded.at, vector = excluded.vector, cjk = excluded.cjk
"""
_SEARCH = _DOCUMENTS.format(
    subject=for_words("left(m.subject, 1000)"),
    text=for_words("left(m.text, 100000)"),
    wrapped="translate(left(m.text, 100000), '<', ' ')",
    file_name=for_words("a.file_name"),
)


def conversations_refresh(ids: Iterable[uuid.UUID], *, grown: bool = False) -> None:
    """Rebuild the inbox rows of conversations from their messages, and tell the screens that show them.

    `grown`: messages came and none went, so that no row can have become empty.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return
    changed = sql.prepared(_REFRESH, {"ids": wanted})
    if not grown:
        changed += sql.prepared(_EMPTY, {"ids": wanted})
    live_tell((row[0], row[1]) for row in changed)


def messages_refresh(ids: Iterable[uuid.UUID]) -> None:
    """Rebuild the inbox rows of the conversations that messages stand in."""
    conversations_refresh(
        MessageCopy.objects.filter(message_id__in=list(ids)).values_list("thread__conversation_id", flat=True)
    )


def live_tell(pairs: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Tell browsers of changed (conversation, scope) pairs when this transaction commits."""
    rows = [[str(c), str(s)] for c, s in pairs]
    with connection.cursor() as cursor:
        for start in range(0, len(rows), 80):  # a notice holds 8,000 bytes
            cursor.execute("SELECT pg_notify(%s, %s)", [LIVE_CHANNEL, json.dumps(rows[start : start + 80])])


class Words(NamedTuple):
    """What is known of a message's words, so that PostgreSQL need not look: `wrapped`, none is as long as 200 characters;
    `ascii`, none is in a script without spaces. False is always true to the facts."""

    wrapped: bool = False
    ascii: bool = False

    @classmethod
    def of(cls, subject: str, text: str) -> Words:
        wrapped = len(text) <= 1000 or max(map(len, text.split("\n"))) < LONG_WORD
        return cls(wrapped, text.isascii() and subject.isascii())


_UNKNOWN = Words()


def search_documents_write(
    message_ids: Iterable[uuid.UUID], words: Mapping[uuid.UUID, Words] | None = None
) -> None:
    """(Re)build the search documents of messages; `words` of some of them saves a look at their text."""
    known = {key: (words or {}).get(key, _UNKNOWN) for key in message_ids}
    if known:
        given = {"ids": list(known), "wrapped": [w.wrapped for w in known.values()]}
        sql.prepared_run(_SEARCH, given | {"ascii": [w.ascii for w in known.values()]})
