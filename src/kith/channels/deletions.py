"""Gone upstream, gone here: what a message said, what came with it, and what was drawn from it. That there was one stays."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from kith.channels.models import RawItem
from kith.channels.quoted import ENOUGH, quotations_forget
from kith.contacts.services.sources import facts_without_source
from kith.conversations.models import Message, MessageCopy, Thread
from kith.conversations.services import conversations_refresh, messages_refresh, search_documents_write
from kith.core import events
from kith.core.jobs import defer, job
from kith.teams.models import Notification
from kith.trust.services.held import touches_ask_again

SETTLED = 20  # seconds: whatever was under way when a message went has ended by then


def messages_gone(messages: Sequence[Message], *, at: datetime) -> list[uuid.UUID]:
    """Follow the deletion of messages by their author, or the network, in the caller's transaction; returns the ids of those
    that were still here."""
    gone: list[uuid.UUID] = []
    for message in messages:
        if message.deleted_upstream_at is None:
            _gone(message, at)
            gone.append(message.pk)
    if gone:
        touches_ask_again(facts_without_source(gone))
        search_documents_write(gone)
        messages_refresh(gone)
        events.record("message_deleted_upstream", gone)
        talks = MessageCopy.objects.filter(message__in=gone).values_list("thread__conversation_id", flat=True)
        for key in set(talks):
            defer(derived_again, conversation_id=str(key), key=f"derived-again:{key}", after=SETTLED)
    return gone


@job("channels.derived_again")
def derived_again(*, conversation_id: str) -> None:
    """Rebuild what is derived from a conversation in which something was deleted: whoever changed it in that moment has read the
    words before they went, and may have written them after."""
    gone = Message.objects.filter(
        copies__thread__conversation_id=conversation_id, deleted_upstream_at__isnull=False
    )
    with transaction.atomic():
        search_documents_write(set(gone.values_list("pk", flat=True)))
        conversations_refresh([uuid.UUID(conversation_id)])


def _gone(message: Message, at: datetime) -> None:
    quotations_forget(message)
    _untell(message)
    _unname(message)
    raws = [message.raw_id, *message.extra.get("edits", ())]
    # The rows stay, so that what is read again does not come back; their bytes and what the network said of them go.
    RawItem.objects.filter(pk__in=[key for key in raws if key]).update(
        body=None, meta={}, size=0, error="deleted upstream"
    )
    message.text = message.html = message.subject = message.content_warning = message.unreadable = ""
    message.quote_at = message.signature_at = None
    message.extra, message.labels, message.deleted_upstream_at = {}, [], at
    message.save(
        update_fields=[
            *("text", "html", "subject", "content_warning", "unreadable", "quote_at", "signature_at"),
            *("extra", "labels", "deleted_upstream_at"),
        ]
    )
    message.attachments.all().delete()


def _untell(message: Message) -> None:
    """Notifications quote it: their words go, that somebody was told stays."""
    talks = MessageCopy.objects.filter(message=message).values("thread__conversation_id")
    said = " ".join(f"{message.subject} {message.text}".split())
    for row in Notification.objects.filter(subject_id__in=talks).exclude(body=""):
        words = " ".join(row.body.split()).removesuffix("…").strip()
        if words and (words in said or (len(said) >= ENOUGH and said in words)):
            Notification.objects.filter(pk=row.pk).update(body="")


def _unname(message: Message) -> None:
    """A thread that bears the title of this message, and of no other in it, bears none any more."""
    if not message.subject:
        return
    for thread in Thread.objects.filter(copies__message=message).distinct():
        others = Message.objects.filter(copies__thread=thread).exclude(pk=message.pk)
        if not others.exclude(subject="").exists():
            Thread.objects.filter(pk=thread.pk).update(subject="", subject_key="")
