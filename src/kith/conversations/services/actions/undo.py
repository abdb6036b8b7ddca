"""Takes back what a log entry tells of, as long as nothing later stands on it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.contacts.services import identity_unblock
from kith.conversations.models import (
    Conversation,
    ConversationLogEntry,
    ConversationTag,
    MessageCopy,
    Thread,
    ThreadKey,
)
from kith.conversations.services.actions.common import CannotUndo, writable
from kith.conversations.services.actions.fields import jsonable
from kith.conversations.services.actions.regroup import DROP_DOUBLES, MOVE_ALL_COPIES, thread_times
from kith.conversations.services.complaints import complaints_follow
from kith.conversations.services.refresh import conversations_refresh
from kith.core import audit, sql
from kith.teams.errors import NotAllowed
from kith.teams.types import Viewer

REGROUPED = ("join", "split", "move")
TIMES = ("snoozed_until", "closed_at")


def log_entry_undo(viewer: Viewer, entry_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
    """Undo one entry; returns the conversations that changed. Raises CannotUndo when it was changed again since."""
    with transaction.atomic():
        return _undo(viewer, [entry_id])


def actions_undo(viewer: Viewer, batch_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
    """Undo all that one action did, or nothing of it."""
    with transaction.atomic():
        ids = ConversationLogEntry.objects.filter(
            details__batch=str(batch_id), actor_id=viewer.user_id, undone_at=None
        ).order_by("-id")
        found = list(ids.values_list("pk", flat=True))
        if not found:
            raise CannotUndo(_("There is nothing to undo."))
        return _undo(viewer, found)


def _undo(viewer: Viewer, ids: Sequence[uuid.UUID]) -> tuple[uuid.UUID, ...]:
    changed: dict[uuid.UUID, None] = {}
    for entry in ConversationLogEntry.objects.select_for_update().filter(pk__in=ids).order_by("-id"):
        undo = entry.details.get("undo")
        if entry.undone_at is not None or undo is None:
            raise CannotUndo(_("This was undone already, or can't be."))
        if entry.kind in REGROUPED:
            changed.update(dict.fromkeys(_regroup_back(viewer, entry.pk, undo)))
        else:
            writable(viewer, [entry.conversation_id])
            _field_back(entry, undo)
            changed[entry.conversation_id] = None
        entry.undone_at = now()
        entry.save(update_fields=["undone_at"])
        audit.record("conversation_undone", "conversation", entry.conversation_id, what=entry.kind)
    if not changed:
        raise NotAllowed(_("You may not change this conversation."))
    complaints_follow(changed)
    conversations_refresh(changed)
    return tuple(changed)


def _field_back(entry: ConversationLogEntry, undo: dict[str, Any]) -> None:
    if entry.kind == "tags":
        ConversationTag.objects.filter(
            conversation_id=entry.conversation_id, tag_id__in=undo["added"]
        ).delete()
        ConversationTag.objects.bulk_create(
            [ConversationTag(conversation_id=entry.conversation_id, tag_id=t) for t in undo["removed"]],
            ignore_conflicts=True,
        )
        return
    if entry.kind == "block":
        if not undo["blocked"] and Identity.objects.filter(pk=undo["identity"]).exists():
            identity_unblock(identity_id=uuid.UUID(undo["identity"]))
        Conversation.objects.filter(pk=entry.conversation_id).update(tray_decided=undo["tray"])
        return
    row = Conversation.objects.get(pk=entry.conversation_id)
    if any(jsonable(getattr(row, name)) != value for name, value in undo["after"].items()):
        raise CannotUndo(_("It was changed again since then."))
    values = {name: _time(name, value) for name, value in undo["before"].items()}
    Conversation.objects.filter(pk=entry.conversation_id).update(**values)


def _time(name: str, value: Any) -> datetime | Any:
    return parse_datetime(value) if name in TIMES and value else value


def _regroup_back(viewer: Viewer, entry_id: uuid.UUID, undo: dict[str, Any]) -> list[uuid.UUID]:
    """Threads go back whence they came, parts into the threads that they were taken from."""
    origin, target = uuid.UUID(undo["from"]), uuid.UUID(undo["to"])
    parts = undo.get("parts", [])
    wanted = {uuid.UUID(t) for t in undo["threads"]} | {uuid.UUID(p["to"]) for p in parts}
    threads = {t.pk: t for t in Thread.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    if not viewer.may_write or any(not viewer.sees(t.scope_id) for t in threads.values()):
        raise NotAllowed(_("You may not change this conversation."))
    if len(threads) != len(wanted) or any(t.regroupings[-1:] != [entry_id] for t in threads.values()):
        raise CannotUndo(_("Parts of it were moved again since then. Undo that first."))
    sql.run(
        "UPDATE conversations_thread SET regroupings = array_remove(regroupings, %(entry)s) WHERE id = ANY (%(ids)s)",
        {"entry": entry_id, "ids": [*wanted, *(uuid.UUID(p["from"]) for p in parts)]},
    )
    list(Conversation.objects.select_for_update().filter(pk__in=sorted([origin, target])).order_by("pk"))
    Thread.objects.filter(pk__in=undo["threads"]).update(conversation_id=origin)
    changed = [origin, target]
    for part in parts:
        changed += _part_back(uuid.UUID(part["to"]), uuid.UUID(part["from"]))
    if undo["emptied"] is not None:
        Conversation.objects.filter(pk=origin).update(
            status=undo["emptied"]["status"], joined_into_id=undo["emptied"]["joined_into"] or None
        )
    if undo.get("founded") and not Thread.objects.filter(conversation_id=target).exists():
        Conversation.objects.filter(pk=target).update(
            joined_into_id=origin, status=Conversation.Status.CLOSED
        )
    return changed


def _part_back(part: uuid.UUID, home: uuid.UUID) -> list[uuid.UUID]:
    """All of a part, with what was added to it since, into the thread it came from; the part is gone."""
    moving = {"old": part, "new": home}
    sql.run(DROP_DOUBLES, moving)
    sql.run(MOVE_ALL_COPIES, moving)
    ThreadKey.objects.filter(thread_id=part).update(thread_id=home)
    if MessageCopy.objects.filter(thread_id=part).exists():  # pragma: no cover  (all were moved or dropped)
        raise CannotUndo(_("Parts of it were moved again since then. Undo that first."))
    Thread.objects.filter(pk=part).delete()
    thread_times([home])
    return list(Thread.objects.filter(pk=home).values_list("conversation_id", flat=True))
