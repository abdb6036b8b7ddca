"""What all actions share: who may, which rows, one log entry each."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from kith.base.ids import new_id
from kith.conversations.models import Conversation, ConversationLogEntry, Thread
from kith.conversations.services.complaints import complaints_follow
from kith.conversations.services.refresh import conversations_refresh
from kith.core import audit
from kith.teams.errors import NotAllowed
from kith.teams.types import Viewer

MOST_AT_ONCE = 1000


class ActionError(ValueError):
    """What can't be done with a conversation, in words for a person."""


class CannotUndo(ActionError):
    """Something later stands in the way; the sentence says what."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an action changed: undone as a whole by `actions_undo(viewer, batch_id)`."""

    batch_id: uuid.UUID
    conversation_ids: tuple[uuid.UUID, ...]
    entry_ids: tuple[uuid.UUID, ...]


def writable(viewer: Viewer, ids: Sequence[uuid.UUID]) -> list[Conversation]:
    """The conversations, locked in one order; NotAllowed when the viewer can't change one of them."""
    wanted = sorted(set(ids))
    if len(wanted) > MOST_AT_ONCE:
        raise ActionError(_("That is more than %(most)s at once.") % {"most": MOST_AT_ONCE})
    seen = set(
        Thread.objects.filter(conversation_id__in=wanted, scope_id__in=viewer.scope_ids).values_list(
            "conversation_id", flat=True
        )
    )
    if not viewer.may_write or len(seen) != len(wanted):
        raise NotAllowed(_("You may not change this conversation."))
    return list(Conversation.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))


def entry(
    viewer: Viewer,
    conversation_id: uuid.UUID,
    kind: str,
    *,
    batch_id: uuid.UUID,
    undo: dict[str, Any] | None = None,
    **details: Any,
) -> ConversationLogEntry:
    """A log entry, not saved yet; `undo` is what `log_entry_undo` reads."""
    content: dict[str, Any] = {"batch": str(batch_id), **details}
    if undo is not None:
        content["undo"] = undo
    return ConversationLogEntry(
        conversation_id=conversation_id, kind=kind, actor_id=viewer.user_id, details=content
    )


def finish(
    entries: Sequence[ConversationLogEntry], batch_id: uuid.UUID, also: Iterable[uuid.UUID] = ()
) -> Done:
    """Save the entries, tell the audit log, rebuild the rows of the inbox and tell open screens."""
    ConversationLogEntry.objects.bulk_create(entries)
    audit.record_many(
        [
            (
                f"conversation_{e.kind}",
                "conversation",
                e.conversation_id,
                {k: v for k, v in e.details.items() if k not in ("undo", "batch")},
            )
            for e in entries
        ]
    )
    ids = list(dict.fromkeys([*(e.conversation_id for e in entries), *also]))
    complaints_follow(ids)
    conversations_refresh(ids)
    return Done(batch_id, tuple(ids), tuple(e.id for e in entries))


def new_batch() -> uuid.UUID:
    return new_id()
