"""Everything that passed between us and a person, over every channel: one keyset walk in both directions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kith.base.keyset import cursor_decode, cursor_encode
from kith.core import sql
from kith.teams.types import Viewer

KINDS = ("", "mail", "public", "chat", "notes")

# Each identity gives as many as the page holds, by its index; a message with two of them is shown once.
_MESSAGES = """
SELECT DISTINCT ON (p.at, p.message_id) 'message' AS kind, p.message_id AS id, p.at
FROM unnest(%(identities)s::uuid[]) i (id) CROSS JOIN LATERAL (
    SELECT p.message_id, p.at FROM conversations_participant p
    WHERE p.identity_id = i.id {bound_message}
      AND EXISTS (SELECT 1 FROM conversations_messagecopy k JOIN conversations_message m ON m.id = k.message_id
                  WHERE k.message_id = p.message_id AND k.scope_id = ANY (%(scopes)s) AND m.state <> 'cancelled' {only})
    ORDER BY p.at {way}, p.message_id {way} LIMIT %(limit)s
) p ORDER BY p.at {way}, p.message_id {way}
"""
_NOTES = """
SELECT 'note', n.id, n.happened_at FROM work_note n
WHERE n.contact_id = ANY (%(contacts)s) {bound_note} ORDER BY n.happened_at {way}, n.id {way} LIMIT %(limit)s
"""
_SHOW = """
SELECT m.id, m.at, m.direction, m.network, m.visibility, coalesce(nullif(m.subject, ''), ''), left(m.text, 400), m.state,
       coalesce(u.name, ''),
       (SELECT t.conversation_id FROM conversations_messagecopy k JOIN conversations_thread t ON t.id = k.thread_id
        WHERE k.message_id = m.id AND k.scope_id = ANY (%(scopes)s) ORDER BY k.id LIMIT 1)
FROM conversations_message m LEFT JOIN teams_user u ON u.id = m.author_id WHERE m.id = ANY (%(ids)s)
"""
_SHOW_NOTES = """
SELECT n.id, n.happened_at, n.kind, n.text, coalesce(u.name, '') FROM work_note n
LEFT JOIN teams_user u ON u.id = n.author_id WHERE n.id = ANY (%(ids)s)
"""
_ONLY = {
    "": "",
    "mail": "AND m.visibility = 'private' AND m.network = ANY (%(mail)s)",
    "public": "AND m.visibility = 'public'",
    "chat": "AND m.visibility = 'private' AND NOT m.network = ANY (%(mail)s)",
}


@dataclass(frozen=True, slots=True)
class Entry:
    id: uuid.UUID
    kind: str  # "message", or the kind of a note
    at: datetime
    direction: str
    network: str
    public: bool
    title: str
    text: str
    who: str
    state: str
    conversation_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Entries, newest first. `older` and `newer` are cursors; None: nothing there."""

    entries: tuple[Entry, ...]
    older: str | None
    newer: str | None


def timeline_page(
    viewer: Viewer,
    *,
    contact_ids: Sequence[uuid.UUID],
    identity_ids: Sequence[uuid.UUID],
    mail_networks: Sequence[str],
    kind: str = "",
    older: str | None = None,
    newer: str | None = None,
    limit: int = 40,
) -> Timeline:
    """One page; three queries at any depth. `older` and `newer` go on from a cursor, which may be any moment."""
    where = cursor_decode(newer or older)
    up = newer is not None and where is not None
    way, sign = ("ASC", ">") if up else ("DESC", "<")
    bound = bool(where)
    parts = []
    if kind != "notes":
        only = _ONLY.get(kind, "")
        parts.append(
            _MESSAGES.format(
                way=way,
                only=only,
                bound_message=f"AND (p.at, p.message_id) {sign} (%(at)s, %(key)s)" if bound else "",
            )
        )
    if kind in ("", "notes"):
        parts.append(
            _NOTES.format(
                way=way, bound_note=f"AND (n.happened_at, n.id) {sign} (%(at)s, %(key)s)" if bound else ""
            )
        )
    params: dict[str, object] = {
        "identities": list(identity_ids),
        "contacts": list(contact_ids),
        "scopes": list(viewer.scope_ids),
        "mail": list(mail_networks),
        "limit": limit + 1,
    }
    if where:
        params["at"], params["key"] = where
    union = " UNION ALL ".join(f"({part})" for part in parts)
    keys = sql.rows(f"SELECT * FROM ({union}) t ORDER BY 3 {way}, 2 {way} LIMIT %(limit)s", params)  # noqa: S608
    more, keys = len(keys) > limit, keys[:limit]
    if up:
        keys.reverse()
    shown = _entries(viewer, keys)
    first, last = (keys[0], keys[-1]) if keys else (None, None)
    has_newer, has_older = (more, True) if up else (bound, more)
    return Timeline(
        shown,
        cursor_encode(last[2], last[1]) if last and has_older else None,
        cursor_encode(first[2], first[1]) if first and has_newer else None,
    )


def _entries(viewer: Viewer, keys: Sequence[tuple[str, uuid.UUID, datetime]]) -> tuple[Entry, ...]:
    found: dict[uuid.UUID, Entry] = {}
    messages = [key[1] for key in keys if key[0] == "message"]
    notes = [key[1] for key in keys if key[0] == "note"]
    if messages:
        for row in sql.rows(_SHOW, {"ids": messages, "scopes": list(viewer.scope_ids)}):
            found[row[0]] = Entry(
                row[0],
                "message",
                row[1],
                row[2],
                row[3],
                row[4] == "public",
                row[5],
                row[6],
                row[8],
                row[7],
                row[9],
            )
    if notes:
        for row in sql.rows(_SHOW_NOTES, {"ids": notes}):
            found[row[0]] = Entry(row[0], row[2], row[1], "note", "", False, "", row[3], row[4], "", None)
    return tuple(found[key[1]] for key in keys if key[1] in found)
