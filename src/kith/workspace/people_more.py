"""What the list of people shows beside a name where there is room: the last talk, what is open, who looks after them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kith.base.clock import now
from kith.core import sql
from kith.teams.types import Viewer


@dataclass(frozen=True, slots=True)
class PersonMore:
    """All within what the viewer may see. `talk_id` is the conversation of the last talk, `talk` its subject or words;
    `open` counts open conversations, `waiting_since` the longest wait among them; `pending` counts tasks and promises."""

    owner: str = ""
    talk_id: uuid.UUID | None = None
    talk: str = ""
    open: int = 0
    waiting_since: datetime | None = None
    pending: int = 0
    overdue: bool = False


NOTHING = PersonMore()
_SQL = """
SELECT c.id, coalesce(u.name, ''), l.conversation_id, coalesce(nullif(l.subject, ''), l.snippet, ''), o.number, o.waiting,
       w.number, w.overdue
FROM contacts_contact c
LEFT JOIN teams_user u ON u.id = c.owner_id
LEFT JOIN LATERAL (
    SELECT t.conversation_id, t.subject, t.snippet FROM contacts_contact a JOIN contacts_identity i ON i.contact_id = a.id
    CROSS JOIN LATERAL (SELECT s.conversation_id, s.subject, s.snippet, s.last_at FROM conversations_conversationscope s
        WHERE s.identity_id = i.id AND s.scope_id = ANY (%(scopes)s) ORDER BY s.last_at DESC LIMIT 1) t
    WHERE a.canonical_id = c.id ORDER BY t.last_at DESC LIMIT 1) l ON true
CROSS JOIN LATERAL (
    SELECT count(DISTINCT s.conversation_id) AS number, min(s.waiting_since) AS waiting
    FROM contacts_contact a JOIN contacts_identity i ON i.contact_id = a.id
    JOIN conversations_conversationscope s ON s.identity_id = i.id
    WHERE a.canonical_id = c.id AND s.scope_id = ANY (%(scopes)s) AND s.status = 'open' AND s.tray = '') o
CROSS JOIN LATERAL (
    SELECT count(*) AS number, coalesce(bool_or(x.due_at < %(now)s), false) AS overdue FROM (
        SELECT t.due_at, t.scope_id FROM contacts_contact a JOIN work_task t ON t.contact_id = a.id
        WHERE a.canonical_id = c.id AND t.done_at IS NULL
        UNION ALL
        SELECT p.due_at, p.scope_id FROM contacts_contact a JOIN work_promise p ON p.contact_id = a.id
        WHERE a.canonical_id = c.id AND p.kept_at IS NULL AND p.broken_at IS NULL) x
    WHERE x.scope_id IS NULL OR x.scope_id = ANY (%(scopes)s)) w
WHERE c.id = ANY (%(ids)s)
"""


def people_more(viewer: Viewer, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, PersonMore]:
    """By canonical id. One query for all of them."""
    if not ids:
        return {}
    asked = {"ids": list(ids), "scopes": list(viewer.scope_ids), "now": now()}
    return {key: PersonMore(*rest) for key, *rest in sql.prepared(_SQL, asked)}
