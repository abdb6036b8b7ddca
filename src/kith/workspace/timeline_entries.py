"""The rows of a timeline, filled in: one query for each kind that a page holds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kith.base.keyset import cursor_encode
from kith.contacts.names import initials
from kith.contacts.selectors import identity_names
from kith.conversations.models import ConversationLogEntry
from kith.core import sql
from kith.networks.selectors import manifest_of
from kith.teams.types import Viewer
from kith.trust import sentences
from kith.trust.models import Decision
from kith.work.models import Note, Promise, Task

TEXT_SHOWN = 1200


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened. `kind`: message, comment (a note to colleagues), private (a message in a colleague's own
    mailbox: that and when, nothing else), note, visit, call, letter, meeting, task, promise, log, touch.

    `state`: of a message its delivery; open, done, kept or broken of a task or promise; the log's kind; held or denied.
    """

    kind: str
    id: uuid.UUID
    at: datetime
    cursor: str
    title: str = ""
    text: str = ""
    actor: str = ""
    actor_initials: str = ""
    is_us: bool = False
    network: str = ""
    network_title: str = ""
    direction: str = ""
    visibility: str = ""
    state: str = ""
    conversation_id: uuid.UUID | None = None
    has_file: bool = False
    due_at: datetime | None = None
    owner: str = ""
    photo: str = ""
    details: dict[str, Any] = field(default_factory=dict)


_MESSAGES = """
SELECT m.id, m.subject, left(CASE WHEN m.quote_at > 0 THEN left(m.text, m.quote_at) ELSE m.text END, %(shown)s),
       m.network, m.direction, m.visibility, m.state, m.sender_id, coalesce(u.name, ''), place.conversation_id,
       EXISTS (SELECT 1 FROM conversations_attachment a WHERE a.message_id = m.id AND NOT a.inline)
FROM conversations_message m
JOIN LATERAL (
    SELECT t.conversation_id FROM conversations_messagecopy k JOIN conversations_thread t ON t.id = k.thread_id
    WHERE k.message_id = m.id AND k.scope_id = ANY (%(scopes)s) ORDER BY k.id LIMIT 1
) place ON true
LEFT JOIN teams_user u ON u.id = m.author_id
WHERE m.id = ANY (%(ids)s)
"""


def entries_of(viewer: Viewer, keys: Sequence[tuple[Any, ...]]) -> list[TimelineEntry]:
    """The entries of (kind, id, at) keys, in their order."""
    ids: dict[str, list[uuid.UUID]] = {}
    for kind, key, _at in keys:
        ids.setdefault(kind, []).append(key)
    found: dict[uuid.UUID, dict[str, Any]] = {}
    if "message" in ids:
        found.update(_messages(viewer, ids["message"]))
    if "note" in ids:
        found.update(_notes(ids["note"]))
    if "task" in ids:
        found.update(_tasks(ids["task"]))
    if "promise" in ids:
        found.update(_promises(ids["promise"]))
    if "log" in ids:
        found.update(_log(ids["log"]))
    if "touch" in ids:
        found.update(_touches(ids["touch"]))
    entries = []
    for kind, key, at in keys:
        values = found.get(key, {} if kind == "private" else None)
        if values is not None:
            entries.append(
                TimelineEntry(
                    **{"kind": kind, "id": key, "at": at, "cursor": cursor_encode(at, key), **values}
                )
            )
    return entries


def _messages(viewer: Viewer, ids: list[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    rows = sql.prepared(_MESSAGES, {"ids": ids, "scopes": list(viewer.scope_ids), "shown": TEXT_SHOWN})
    names = identity_names(row[7] for row in rows if row[7])
    found = {}
    for (
        key,
        subject,
        text,
        network,
        direction,
        visibility,
        state,
        sender_id,
        author,
        conversation,
        files,
    ) in rows:
        sender = names.get(sender_id)
        name = author or (sender.name if sender else "")
        manifest = manifest_of(network)
        found[key] = {
            "kind": "comment" if direction == "note" else "message",
            "title": subject,
            "text": text,
            "actor": name,
            "actor_initials": initials(name),
            "is_us": direction != "in",
            "network": network,
            "network_title": manifest.title if manifest else network,
            "direction": direction,
            "visibility": visibility,
            "state": state,
            "conversation_id": conversation,
            "has_file": files,
        }
    return found


def _by(user: Any) -> dict[str, Any]:
    name = user.name if user is not None else ""
    return {"actor": name, "actor_initials": initials(name) if name else "", "is_us": True}


def _notes(ids: list[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    return {
        n.pk: {
            "kind": n.kind,
            "text": n.text,
            "photo": n.photo,
            "details": {"pinned": n.pinned},
            **_by(n.author),
        }
        for n in Note.objects.filter(pk__in=ids).select_related("author")
    }


def _tasks(ids: list[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    return {
        t.pk: {
            "title": t.title,
            "text": t.details,
            "state": "done" if t.done_at else "open",
            "due_at": t.due_at,
            "owner": t.assignee.name if t.assignee else (t.team.name if t.team else ""),
            "details": {"done_at": t.done_at},
            **_by(t.created_by),
        }
        for t in Task.objects.filter(pk__in=ids).select_related("assignee", "team", "created_by")
    }


def _promises(ids: list[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    return {
        p.pk: {
            "title": p.what,
            "text": p.quote,
            "state": "kept" if p.kept_at else ("broken" if p.broken_at else "open"),
            "due_at": p.due_at,
            "owner": p.who.name if p.who else "",
            "details": {"condition": p.condition},
            **_by(p.who),
        }
        for p in Promise.objects.filter(pk__in=ids).select_related("who")
    }


def _log(ids: list[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    return {
        e.pk: {
            "state": e.kind,
            "conversation_id": e.conversation_id,
            "details": {k: v for k, v in e.details.items() if k not in ("undo", "batch")},
            **_by(e.actor),
        }
        for e in ConversationLogEntry.objects.filter(pk__in=ids).select_related("actor")
    }


def _touches(ids: list[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    return {
        d.touch_id: {
            "text": sentences.of(d.rule, d.values, d.sentence),
            "state": d.touch.state,
            "details": {"rule": d.rule, "until": d.until, "channel": d.touch.channel},
            **_by(d.touch.user),
        }
        for d in Decision.objects.filter(touch_id__in=ids).select_related("touch__user").order_by("id")
    }
