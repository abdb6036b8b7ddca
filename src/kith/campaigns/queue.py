# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""What waits to be sent, by priority, then time: touches of mailings, and messages that a person wrote."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kith.contacts.names import person_name
from kith.core import sql
from kith.teams.types import Viewer

_SEEN = """
FROM trust_touch t
LEFT JOIN campaigns_mailing m ON m.id = t.mailing_id
LEFT JOIN networks_channelaccount a ON a.id = m.account_id
JOIN LATERAL (SELECT d.rule, d.sentence, d.values, d.until FROM trust_decision d WHERE d.touch_id = t.id
              ORDER BY d.created_at DESC, d.id DESC LIMIT 1) d ON true
WHERE t.state = 'held' AND (
    t.subject_id IS NULL AND a.scope_id = ANY (%(scopes)s)
    OR EXISTS (SELECT 1 FROM conversations_message w JOIN conversations_messagecopy k ON k.message_id = w.id
               WHERE w.id = t.subject_id AND w.state = 'held' AND k.scope_id = ANY (%(scopes)s)))
AND (%(mailing)s::uuid IS NULL OR t.mailing_id = %(mailing)s)
AND (%(division)s::uuid IS NULL OR t.division_id = %(division)s)
"""
_ROWS = f"""
SELECT t.id, t.priority, t.identity_id, i.contact_id, coalesce(c.preferred_name, ''), coalesce(c.family_name, ''),
       coalesce(c.name, ''), coalesce(i.handle, ''), coalesce(i.external_id, ''), coalesce(m.title, t.title), t.kind,
       t.mailing_id, t.subject_id, d.rule, d.sentence, d.values, d.until, t.expires_at, coalesce(u.name, ''),
       coalesce(v.name, ''), t.created_at
FROM (SELECT t.id, d.rule, d.sentence, d.values, d.until {_SEEN} AND (%(rule)s = '' OR d.rule = %(rule)s)
      AND (%(after)s::uuid IS NULL OR t.priority < %(priority)s OR t.priority = %(priority)s AND t.id > %(after)s)
      ORDER BY t.priority DESC, t.id LIMIT %(limit)s) d
JOIN trust_touch t ON t.id = d.id
LEFT JOIN campaigns_mailing m ON m.id = t.mailing_id LEFT JOIN contacts_identity i ON i.id = t.identity_id
LEFT JOIN contacts_contact k ON k.id = i.contact_id LEFT JOIN contacts_contact c ON c.id = k.canonical_id
LEFT JOIN teams_user u ON u.id = t.user_id LEFT JOIN teams_division v ON v.id = t.division_id
ORDER BY t.priority DESC, t.id
"""
_COUNTS = f"SELECT d.rule, count(*) {_SEEN} GROUP BY 1 ORDER BY 2 DESC, 1"


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One held touch. `message_id`: a message that a person wrote, which stands in its conversation."""

    id: uuid.UUID
    priority: int
    contact_id: uuid.UUID | None
    who: str
    address: str
    what: str
    kind: str
    mailing_id: uuid.UUID | None
    message_id: uuid.UUID | None
    rule: str
    sentence: str
    values: dict[str, str] | None
    until: datetime | None
    expires_at: datetime | None
    author: str
    division: str
    at: datetime


def held_rows(
    viewer: Viewer,
    *,
    rule: str = "",
    mailing_id: uuid.UUID | None = None,
    division_id: uuid.UUID | None = None,
    after: tuple[int, uuid.UUID] | None = None,
    limit: int = 50,
) -> tuple[list[HeldRow], tuple[int, uuid.UUID] | None]:
    """One page of what the viewer may see, the highest priority first, then the oldest; and where the next begins."""
    params = {
        **_params(viewer, mailing_id, division_id),
        "rule": rule,
        "priority": after[0] if after else 0,
        "after": after[1] if after else None,
        "limit": limit + 1,
    }
    found = [_row(row) for row in sql.rows(_ROWS, params)]
    more = len(found) > limit
    return found[:limit], (found[limit - 1].priority, found[limit - 1].id) if more else None


def held_counts(
    viewer: Viewer, *, mailing_id: uuid.UUID | None = None, division_id: uuid.UUID | None = None
) -> list[tuple[str, int]]:
    """How many wait, by rule, the most first."""
    return sql.rows(_COUNTS, _params(viewer, mailing_id, division_id))


def held_seen(viewer: Viewer, touch_id: uuid.UUID) -> bool:
    """Whether the viewer sees this one in the queue."""
    asked = f"SELECT 1 {_SEEN} AND t.id = %(touch)s"
    return bool(sql.rows(asked, {**_params(viewer, None, None), "touch": touch_id}))


def _params(viewer: Viewer, mailing_id: uuid.UUID | None, division_id: uuid.UUID | None) -> dict[str, Any]:
    return {"scopes": list(viewer.scope_ids), "mailing": mailing_id, "division": division_id}


def _row(row: tuple[Any, ...]) -> HeldRow:
    (
        key, priority, _identity, contact, preferred, family, name, handle, external, what, kind, mailing, subject,
        rule, sentence, values, until, expires, author, division, at,
    ) = row  # fmt: skip
    if isinstance(values, str):
        values = json.loads(values)
    who = person_name(preferred=preferred, family=family, name=name, handle=handle, external_id=external)
    return HeldRow(
        key, priority, contact, who, handle or external, what, kind, mailing, subject, rule, sentence, values, until,
        expires, author, division, at,
    )  # fmt: skip
