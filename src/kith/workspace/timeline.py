# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""Everything with one person, over every channel, in one time order: a keyset union, so that it opens anywhere as fast."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kith.base.keyset import cursor_decode, cursor_encode
from kith.contacts.selectors import Family, identity_family
from kith.core import sql
from kith.teams.types import Viewer
from kith.workspace.timeline_entries import TimelineEntry, entries_of

__all__ = ["KINDS", "TimelineEntry", "TimelinePage", "timeline"]

KINDS = ("message", "comment", "note", "task", "promise", "log", "touch")
LAST = uuid.UUID(int=(1 << 128) - 1)
Where = tuple[datetime, uuid.UUID]

# Whoever may see a copy sees the message; of a colleague's private mailbox only that there was one, and when (law 11).
_MESSAGES = """
SELECT DISTINCT ON (b.at, b.id) CASE WHEN b.seen THEN 'message' ELSE 'private' END, b.id, b.at
FROM unnest(%(identities)s::uuid[]) who (id) CROSS JOIN LATERAL (
    SELECT DISTINCT ON (p.at, p.message_id) p.message_id AS id, p.at,
        (SELECT true FROM conversations_messagecopy k
         WHERE k.message_id = p.message_id AND k.scope_id = ANY (%(scopes)s) LIMIT 1) IS TRUE AS seen
    FROM conversations_participant p
    {networks}
    WHERE p.identity_id = who.id AND p.role IN ({roles}) {bound}
      AND (SELECT true FROM conversations_messagecopy k JOIN teams_scope s ON s.id = k.scope_id
           WHERE k.message_id = p.message_id AND (k.scope_id = ANY (%(scopes)s) {private}) LIMIT 1) IS TRUE
    ORDER BY p.at {way}, p.message_id {way} LIMIT %(limit)s
) b ORDER BY b.at {way}, b.id {way} LIMIT %(limit)s
"""
_NOTES = """
SELECT 'note', x.id, x.at FROM unnest(%(contacts)s::uuid[]) who (id) CROSS JOIN LATERAL (
    SELECT n.id, n.happened_at AS at FROM work_note n
    WHERE n.contact_id = who.id AND (n.scope_id IS NULL OR n.scope_id = ANY (%(scopes)s)) {bound}
    ORDER BY n.happened_at {way}, n.id {way} LIMIT %(limit)s
) x ORDER BY x.at {way}, x.id {way} LIMIT %(limit)s
"""
_WORK = """
SELECT '{kind}', n.id, n.created_at AS at FROM work_{kind} n
WHERE n.contact_id = ANY (%(contacts)s) AND (n.scope_id IS NULL OR n.scope_id = ANY (%(scopes)s)) {bound}
ORDER BY n.created_at {way}, n.id {way} LIMIT %(limit)s
"""
_LOG = """
SELECT 'log', l.id, l.at FROM conversations_conversation c CROSS JOIN LATERAL (
    SELECT n.id, n.created_at AS at FROM conversations_conversationlogentry n
    WHERE n.conversation_id = c.id {bound} ORDER BY n.id {way} LIMIT %(limit)s
) l
WHERE c.identity_id = ANY (%(identities)s) AND EXISTS (
    SELECT 1 FROM conversations_thread t WHERE t.conversation_id = c.id AND t.scope_id = ANY (%(scopes)s))
ORDER BY l.at {way}, l.id {way} LIMIT %(limit)s
"""
_TOUCHES = """
SELECT 'touch', x.id, x.at FROM unnest(%(identities)s::uuid[]) who (id) CROSS JOIN LATERAL (
    SELECT n.id, n.planned_for AS at FROM trust_touch n
    WHERE n.identity_id = who.id AND n.state IN ('held', 'denied') {bound}
      AND (n.subject_id IS NULL OR EXISTS (SELECT 1 FROM conversations_messagecopy k
                                           WHERE k.message_id = n.subject_id AND k.scope_id = ANY (%(scopes)s)))
    ORDER BY n.planned_for {way}, n.id {way} LIMIT %(limit)s
) x ORDER BY x.at {way}, x.id {way} LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Entries, oldest first; `before` and `after` are cursors, None where nothing follows."""

    entries: tuple[TimelineEntry, ...]
    before: str | None
    after: str | None


def timeline(
    viewer: Viewer,
    *,
    contact_id: uuid.UUID | None = None,
    identity_id: uuid.UUID | None = None,
    family: Family | None = None,
    before: str | None = None,
    after: str | None = None,
    around: str | None = None,
    at: datetime | None = None,
    kinds: Sequence[str] = (),
    networks: Sequence[str] = (),
    limit: int = 50,
) -> TimelinePage:
    """One page about a contact (all its identities) or an identity; the newest without a cursor or a time.

    `kinds` of KINDS (none: all; "comment" is a note to colleagues in a conversation); `networks` leaves messages of these
    only. `family` spares looking the contact's up. `around` is an entry's `cursor`, `at` a time. The number of queries does not depend on the place or the length.
    """
    source = _Source(viewer, contact_id, identity_id, family, kinds, networks)
    centre = cursor_decode(around) or ((at, LAST) if at is not None else None)
    if centre is not None:
        half = limit // 2
        older = source.keys(before=centre, limit=half, inclusive=True)
        newer = source.keys(after=centre, limit=limit - half)
        rows = [*reversed(older[:half]), *newer[: limit - half]]
        more_before, more_after = len(older) > half, len(newer) > limit - half
    elif after and (where := cursor_decode(after)):
        newer = source.keys(after=where, limit=limit)
        rows, more_before, more_after = newer[:limit], True, len(newer) > limit
    else:
        bound = cursor_decode(before)
        older = source.keys(before=bound, limit=limit)
        rows, more_before, more_after = list(reversed(older[:limit])), len(older) > limit, bound is not None
    return TimelinePage(
        entries=tuple(entries_of(viewer, rows)),
        before=cursor_encode(rows[0][2], rows[0][1]) if rows and more_before else None,
        after=cursor_encode(rows[-1][2], rows[-1][1]) if rows and more_after else None,
    )


class _Source:
    """The union of what a timeline shows, as keys (kind, id, at)."""

    def __init__(
        self,
        viewer: Viewer,
        contact_id: uuid.UUID | None,
        identity_id: uuid.UUID | None,
        family: Family | None,
        kinds: Sequence[str],
        networks: Sequence[str],
    ) -> None:
        self.kinds = set(kinds) & set(KINDS) or set(KINDS)
        if networks:
            self.kinds &= {"message"}
        self.networks = list(networks)
        identities = (
            family.identities if family else identity_family(contact_id=contact_id, identity_id=identity_id)
        )
        self.params: dict[str, Any] = {
            "identities": list(identities),
            "contacts": list(family.aliases) if family else _aliases(contact_id, identity_id),
            "scopes": list(viewer.scope_ids),
            "networks": self.networks,
        }

    def keys(
        self,
        *,
        before: Where | None = None,
        after: Where | None = None,
        limit: int,
        inclusive: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Up to `limit` + 1 keys, going away from the bound."""
        way = "ASC" if after else "DESC"
        sign = (">" if after else "<") + ("=" if inclusive else "")
        params = {**self.params, "limit": limit + 1}
        bound = before or after
        if bound is not None:
            params["at"], params["key"] = bound

        def limits(columns: str) -> str:
            return f"AND ({columns}) {sign} (%(at)s, %(key)s)" if bound is not None else ""

        parts = [self._messages(way, limits("p.at, p.message_id"))]
        if "note" in self.kinds:
            parts.append(_NOTES.format(way=way, bound=limits("n.happened_at, n.id")))
        parts += [
            _WORK.format(kind=kind, way=way, bound=limits("n.created_at, n.id"))
            for kind in ("task", "promise")
            if kind in self.kinds
        ]
        if "log" in self.kinds:
            parts.append(_LOG.format(way=way, bound=limits("n.created_at, n.id")))
        if "touch" in self.kinds:
            parts.append(_TOUCHES.format(way=way, bound=limits("n.planned_for, n.id")))
        union = " UNION ALL ".join(f"({part})" for part in parts if part)
        if not union:
            return []
        return sql.prepared(
            f"SELECT * FROM ({union}) u (kind, id, at) ORDER BY at {way}, id {way} LIMIT %(limit)s", params
        )

    def _messages(self, way: str, bound: str) -> str:
        roles = ["'from', 'sender', 'to', 'cc', 'member', 'mentioned'"] if "message" in self.kinds else []
        roles += ["'about'"] if "comment" in self.kinds else []
        if not roles:
            return ""
        joined = "JOIN conversations_message m ON m.id = p.message_id AND m.network = ANY (%(networks)s)"
        return _MESSAGES.format(
            way=way,
            bound=bound,
            roles=", ".join(roles),
            networks=joined if self.networks else "",
            private="OR s.kind = 'private'" if "message" in self.kinds and not self.networks else "",
        )


def _aliases(contact_id: uuid.UUID | None, identity_id: uuid.UUID | None) -> list[uuid.UUID]:
    """All ids under which rows of the contact stand (merges rewrite no foreign key)."""
    found = sql.prepared(
        "SELECT a.id FROM contacts_contact c JOIN contacts_contact a ON a.canonical_id = c.canonical_id "
        "WHERE c.id = coalesce(%(contact)s, (SELECT contact_id FROM contacts_identity WHERE id = %(identity)s))",
        {"contact": contact_id, "identity": identity_id},
    )
    return [row[0] for row in found]
