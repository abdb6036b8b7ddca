"""Takes back what one action did to very many conversations, part by part."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.conversations.models import Conversation, ConversationLogEntry, ConversationTag
from kith.conversations.services.actions.common import CannotUndo, writable
from kith.conversations.services.actions.fields import jsonable
from kith.conversations.services.complaints import complaints_follow
from kith.conversations.services.refresh import conversations_refresh
from kith.core import audit
from kith.teams.types import Viewer

TIMES = ("snoozed_until", "closed_at")
FIELDS = ("assign", "team", "status", "priority", "tray")


@dataclass(frozen=True, slots=True)
class BatchUndone:
    """One part of an undo: what changed back, what was changed again since and stays, and where to go on (None: done)."""

    conversation_ids: tuple[uuid.UUID, ...]
    changed_since: int
    before: uuid.UUID | None


def batch_size(viewer: Viewer, batch_id: uuid.UUID) -> int:
    """How many entries of one's own action can still be taken back."""
    return _open(viewer, batch_id).count()


def _open(viewer: Viewer, batch_id: uuid.UUID) -> QuerySet[ConversationLogEntry]:
    return ConversationLogEntry.objects.filter(
        details__batch=str(batch_id), actor_id=viewer.user_id, undone_at=None
    )


@transaction.atomic
def batch_undo(
    viewer: Viewer, batch_id: uuid.UUID, *, before: uuid.UUID | None = None, limit: int = 500
) -> BatchUndone:
    """Undo up to `limit` entries of an action on many, the newest first, beginning under the entry `before`.

    Unlike `actions_undo`, what somebody changed again since then stays as it is, and the rest is taken back. Only what
    stands on a conversation (assignee, team, status, priority, tray, tags) is undone by parts; raises CannotUndo for all
    else. `limit` is at most 1,000.
    """
    rows = _open(viewer, batch_id).select_for_update().order_by("-id")
    entries = list((rows.filter(id__lt=before) if before else rows)[: limit + 1])
    more, entries = len(entries) > limit, entries[:limit]
    if any(e.kind not in (*FIELDS, "tags") for e in entries):
        raise CannotUndo(_("This was undone already, or can't be."))
    conversations = {c.pk: c for c in writable(viewer, [e.conversation_id for e in entries])}
    done = [e for e in entries if e.kind == "tags" or _same(conversations[e.conversation_id], e)]
    _fields_back([e for e in done if e.kind != "tags"])
    _tags_back([e for e in done if e.kind == "tags"])
    ConversationLogEntry.objects.filter(pk__in=[e.pk for e in done]).update(undone_at=now())
    audit.record_many(
        [("conversation_undone", "conversation", e.conversation_id, {"what": e.kind}) for e in done]
    )
    ids = tuple(dict.fromkeys(e.conversation_id for e in done))
    complaints_follow(ids)
    conversations_refresh(ids)
    return BatchUndone(ids, len(entries) - len(done), entries[-1].pk if more else None)


def _same(row: Conversation, entry: ConversationLogEntry) -> bool:
    """Whether a conversation still is as the action left it."""
    return all(
        jsonable(getattr(row, name)) == value for name, value in entry.details["undo"]["after"].items()
    )


def _fields_back(entries: Sequence[ConversationLogEntry]) -> None:
    """One UPDATE for all that go back to the same values."""
    groups: dict[tuple[tuple[str, Any], ...], list[uuid.UUID]] = defaultdict(list)
    for entry in entries:
        groups[tuple(sorted(entry.details["undo"]["before"].items()))].append(entry.conversation_id)
    for values, ids in groups.items():
        before = {name: parse_datetime(value) if name in TIMES and value else value for name, value in values}
        Conversation.objects.filter(pk__in=ids).update(**before)


def _tags_back(entries: Sequence[ConversationLogEntry]) -> None:
    groups: dict[str, list[uuid.UUID]] = defaultdict(list)
    for entry in entries:
        for tag in entry.details["undo"]["added"]:
            groups[tag].append(entry.conversation_id)
    for tag, ids in groups.items():
        ConversationTag.objects.filter(tag_id=tag, conversation_id__in=ids).delete()
    ConversationTag.objects.bulk_create(
        [
            ConversationTag(conversation_id=e.conversation_id, tag_id=tag)
            for e in entries
            for tag in e.details["undo"]["removed"]
        ],
        ignore_conflicts=True,
    )
