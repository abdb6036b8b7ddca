"""What a rule takes goes with everything that hangs on it or was drawn from it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef

from kith.channels.models import RawItem
from kith.contacts.services.sources import facts_without_source
from kith.conversations.models import Attachment, Conversation, Message, MessageCopy, Thread
from kith.conversations.services import conversations_refresh
from kith.conversations.services.refresh import search_documents_write
from kith.core.models import AuditEvent, EventDelivery
from kith.core.registry import erased
from kith.core.removal import rows_remove
from kith.teams.models import Notification
from kith.workspace.models import RetentionRule

Ids = Sequence[uuid.UUID]


def messages_take(ids: Ids, action: str) -> Counter[str]:
    """Do to these messages what a rule says, in the caller's transaction; returns what went, by model.

    Files that nobody names any more go with the nightly sweep.
    """
    if action == RetentionRule.Action.DELETE:
        return messages_remove(ids)
    gone: Counter[str] = Counter()
    gone["channels.RawItem"] = _raws_blank(ids)
    if action == RetentionRule.Action.FILES:
        files = list(Attachment.objects.filter(message__in=ids).values_list("pk", flat=True))
        gone += rows_remove(Attachment, files)
        search_documents_write(ids)  # files are found by their names
    return gone


def messages_remove(ids: Ids) -> Counter[str]:
    """Messages with copies, files, original bytes, search documents, the facts drawn from them and what was told of them;
    threads and conversations that are empty without them, too."""
    talks = set(MessageCopy.objects.filter(message__in=ids).values_list("thread__conversation_id", flat=True))
    gone = Counter({"channels.RawItem": _raws_blank(ids), "contacts.Fact": len(facts_without_source(ids))})
    gone += rows_remove(Message, ids)
    _forget(ids)
    return gone + _tidy(talks)


def _raws_blank(ids: Ids) -> int:
    """The rows stay, so that a mailbox which is read again does not bring the same back; what they say goes."""
    raws = Message.objects.filter(pk__in=ids).exclude(raw_id=None).values("raw_id")
    return RawItem.objects.filter(pk__in=raws, size__gt=0).update(body=None, meta={}, error="", size=0)


def _tidy(talks: set[uuid.UUID]) -> Counter[str]:
    """Threads without a message go, and conversations without a thread; the inbox shows the others as they are now."""
    empty = Thread.objects.filter(conversation__in=talks).exclude(
        Exists(MessageCopy.objects.filter(thread_id=OuterRef("pk")))
    )
    gone = rows_remove(Thread, list(empty.values_list("pk", flat=True)))
    alone = list(Conversation.objects.filter(pk__in=talks, threads=None).values_list("pk", flat=True))
    alone += Conversation.objects.filter(joined_into__in=alone, threads=None).values_list("pk", flat=True)
    gone += rows_remove(Conversation, alone)
    _forget(alone)
    # What was told of a conversation quotes its messages.
    Notification.objects.filter(subject_id__in=talks).delete()
    conversations_refresh(talks - set(alone))
    return gone


def _forget(ids: Sequence[Any]) -> None:
    """The audit log keeps who did what, and when; not the words."""
    AuditEvent.objects.filter(subject_id__in=ids).exclude(details={}).update(details={})
    EventDelivery.objects.filter(subject_id__in=ids).delete()
    Notification.objects.filter(subject_id__in=ids).delete()
    erased(list(ids), [])
