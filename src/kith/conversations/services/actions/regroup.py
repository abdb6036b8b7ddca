"""Join, split and move: what belongs to which conversation, by hand. All of it is undone by `undo.py`."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from kith.base.ids import new_id
from kith.conversations.models import Conversation, ConversationLogEntry, MessageCopy, Thread
from kith.conversations.services.actions.common import ActionError, Done, entry, finish, new_batch, writable
from kith.core import sql
from kith.teams.errors import NotAllowed
from kith.teams.types import Viewer

# The keys under which the network knows a message end with the message's own id; replies to it follow it.
MOVE_KEYS = """
UPDATE conversations_threadkey k SET thread_id = %(new)s
FROM conversations_message m
WHERE m.id = ANY (%(messages)s) AND k.thread_id = %(old)s AND right(k.key, length(m.external_id)) = m.external_id
"""
# A copy that the target holds already (it was fetched again in the meantime) is dropped; the message stays.
DROP_DOUBLES = """
DELETE FROM conversations_messagecopy k USING conversations_messagecopy o
WHERE k.thread_id = %(old)s AND o.thread_id = %(new)s AND o.message_id = k.message_id
  AND o.channel_account_id IS NOT DISTINCT FROM k.channel_account_id AND o.folder = k.folder AND o.uid = k.uid
"""
MOVE_ALL_COPIES = """
UPDATE conversations_messagecopy k SET thread_id = %(new)s, first_in_thread = k.first_in_thread AND NOT EXISTS (
    SELECT 1 FROM conversations_messagecopy o
    WHERE o.thread_id = %(new)s AND o.message_id = k.message_id AND o.first_in_thread)
WHERE k.thread_id = %(old)s
"""


def thread_times(thread_ids: Sequence[uuid.UUID]) -> None:
    """Set the last time of threads from their copies."""
    for thread in Thread.objects.filter(pk__in=thread_ids).annotate(newest=Max("copies__at")):
        if thread.newest is not None and thread.newest != thread.last_at:
            Thread.objects.filter(pk=thread.pk).update(last_at=thread.newest)


def empty_away(conversation_id: uuid.UUID, into: uuid.UUID) -> dict[str, str] | None:
    """A conversation without threads is read as `into`; returns what its return needs, None when it still has some."""
    row = Conversation.objects.get(pk=conversation_id)
    if Thread.objects.filter(conversation_id=conversation_id).exists():
        return None
    Conversation.objects.filter(pk=conversation_id).update(
        joined_into_id=into, status=Conversation.Status.CLOSED
    )
    return {"status": row.status, "joined_into": str(row.joined_into_id or "")}


@transaction.atomic
def conversation_join(viewer: Viewer, *, into: uuid.UUID, other: uuid.UUID) -> Done:
    """Put the threads of `other` that the viewer sees into `into`. Undone by its log entry."""
    if into == other:
        raise ActionError(_("A conversation can't be joined with itself."))
    writable(viewer, [into, other])
    threads = list(
        Thread.objects.filter(conversation_id=other, scope_id__in=viewer.scope_ids).values_list(
            "pk", flat=True
        )
    )
    Thread.objects.filter(pk__in=threads).update(conversation_id=into)
    batch = new_batch()
    undo = {"threads": [str(t) for t in threads], "from": str(other), "to": str(into)}
    made = entry(viewer, into, "join", batch_id=batch, undo={**undo, "emptied": empty_away(other, into)})
    _mark(made, threads)
    return finish([made], batch, also=[other])


@transaction.atomic
def thread_move(viewer: Viewer, thread_id: uuid.UUID, *, to: uuid.UUID | None = None) -> Done:
    """Move one thread to another conversation, or to a new one. `conversation_ids[-1]` is where it is now."""
    thread = Thread.objects.filter(pk=thread_id, scope_id__in=viewer.scope_ids).first()
    if thread is None:
        raise NotAllowed(_("You may not change this conversation."))
    origin = thread.conversation_id
    if to == origin:
        raise ActionError(_("It stands in this conversation already."))
    writable(viewer, [origin, to] if to else [origin])
    target = to or _founded(origin, thread.identity_id)
    Thread.objects.filter(pk=thread_id).update(conversation_id=target)
    batch = new_batch()
    undo = {"threads": [str(thread_id)], "from": str(origin), "to": str(target), "founded": to is None}
    made = entry(viewer, origin, "move", batch_id=batch, undo={**undo, "emptied": empty_away(origin, target)})
    _mark(made, [thread_id])
    return finish([made], batch, also=[target])


def _mark(made: ConversationLogEntry, thread_ids: Sequence[uuid.UUID]) -> None:
    """Note on the threads that an entry touched them: what is undone must be the last that did."""
    sql.run(
        "UPDATE conversations_thread SET regroupings = regroupings || %s WHERE id = ANY (%s)",
        [made.pk, list(thread_ids)],
    )


def _founded(origin: uuid.UUID, identity_id: uuid.UUID | None) -> uuid.UUID:
    """A new conversation beside `origin`, held by the same colleague and team."""
    row = Conversation.objects.get(pk=origin)
    made = Conversation.objects.create(
        id=new_id(),
        identity_id=identity_id or row.identity_id,
        assignee_id=row.assignee_id,
        team_id=row.team_id,
        priority=row.priority,
        status=row.status if row.status != Conversation.Status.SNOOZED else Conversation.Status.OPEN,
        ruled_at=row.ruled_at,
    )
    return made.pk


@transaction.atomic
def conversation_split(
    viewer: Viewer,
    conversation_id: uuid.UUID,
    *,
    message_ids: Sequence[uuid.UUID],
    to: uuid.UUID | None = None,
) -> Done:
    """Put messages into a conversation of their own, or into `to`; replies to them follow. `conversation_ids[-1]` is where.

    A thread all of whose messages are chosen moves as it is; of the others, the chosen messages found a new thread.
    """
    if to == conversation_id:
        raise ActionError(_("It stands in this conversation already."))
    writable(viewer, [conversation_id, to] if to else [conversation_id])
    chosen: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for thread_id, message_id in MessageCopy.objects.filter(
        message_id__in=message_ids,
        thread__conversation_id=conversation_id,
        thread__scope_id__in=viewer.scope_ids,
    ).values_list("thread_id", "message_id"):
        chosen[thread_id].add(message_id)
    if not chosen:
        raise ActionError(_("Choose the messages that belong together."))
    left = (
        MessageCopy.objects.filter(thread__conversation_id=conversation_id)
        .exclude(thread_id__in=chosen)
        .exists()
    )
    whole = []
    for thread_id, messages in chosen.items():
        if MessageCopy.objects.filter(thread_id=thread_id).exclude(message_id__in=messages).exists():
            left = True
        else:
            whole.append(thread_id)
    if not left and to is None:
        raise ActionError(_("Something must stay behind in this conversation."))
    threads = {t.pk: t for t in Thread.objects.filter(pk__in=chosen)}
    target = to or _founded(conversation_id, next(iter(threads.values())).identity_id)
    Thread.objects.filter(pk__in=whole).update(conversation_id=target)
    moved = [
        {"from": str(key), "to": str(_part(threads[key], chosen[key], target))}
        for key in chosen
        if key not in whole
    ]
    batch = new_batch()
    undo = {
        "threads": [str(t) for t in whole],
        "parts": moved,
        "from": str(conversation_id),
        "to": str(target),
        "founded": to is None,
        "emptied": empty_away(conversation_id, target) if to else None,
    }
    kind = "move" if to else "split"
    made = entry(viewer, conversation_id, kind, batch_id=batch, undo=undo, messages=len(set(message_ids)))
    _mark(made, [*chosen, *(uuid.UUID(part["to"]) for part in moved)])
    return finish([made], batch, also=[target])


def _part(thread: Thread, messages: set[uuid.UUID], conversation_id: uuid.UUID) -> uuid.UUID:
    """A new thread beside `thread`, with some of its messages and the keys that these founded."""
    first = (
        MessageCopy.objects.filter(thread=thread, message_id__in=messages)
        .order_by("at", "message_id")
        .values_list("message__subject", flat=True)
        .first()
    )
    part = Thread.objects.create(
        conversation_id=conversation_id,
        scope_id=thread.scope_id,
        network=thread.network,
        channel_account_id=thread.channel_account_id,
        visibility=thread.visibility,
        subject=(first or thread.subject)[:500],
        subject_key=thread.subject_key,
        identity_id=thread.identity_id,
        last_at=thread.last_at,
    )
    MessageCopy.objects.filter(thread=thread, message_id__in=messages).update(thread=part)
    sql.run(MOVE_KEYS, {"new": part.pk, "old": thread.pk, "messages": list(messages)})
    thread_times([part.pk, thread.pk])
    return part.pk
