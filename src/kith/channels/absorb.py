"""What happens to a message of ours while it is being sent: it came back by reading already, or was moved."""

from __future__ import annotations

import uuid

from django.db import connection

from kith.channels.models import Delivery
from kith.conversations.models import Message, MessageCopy, ThreadKey
from kith.conversations.services import conversations_refresh


def double_absorb(message: Message, external_id: str, *, scope_id: uuid.UUID) -> None:
    """Make one of `message`, just sent, and of what was read meanwhile under the id that it got. In the caller's
    transaction, first thing in it: from here to its end nothing is recorded in that scope.
    """
    if not external_id:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"record:{scope_id}"])
    doubles = Message.objects.filter(
        network=message.network, external_id=external_id, direction=Message.Direction.OUT, author=None
    ).exclude(pk=message.pk)
    for double in doubles.exclude(content_hash=""):
        touched = list(double.copies.values_list("thread__conversation_id", flat=True))
        for copy in MessageCopy.objects.filter(message=double).select_related("thread"):
            thread_id = _thread_for(message, copy)
            here = MessageCopy.objects.filter(message=message, thread_id=thread_id)
            same = here.filter(channel_account_id=copy.channel_account_id, folder=copy.folder, uid=copy.uid)
            if not same.exists():
                first = not here.filter(first_in_thread=True).exists()
                MessageCopy.objects.filter(pk=copy.pk).update(
                    message=message, thread_id=thread_id, first_in_thread=first
                )
        double.delete()
        conversations_refresh([*touched, *message.copies.values_list("thread__conversation_id", flat=True)])


def _thread_for(message: Message, copy: MessageCopy) -> uuid.UUID:
    """Where a double's copy goes: into the thread we wrote in, if it stands alone in its own, which then is that one."""
    ours = (
        MessageCopy.objects.filter(
            message=message, scope_id=copy.scope_id, thread__visibility=copy.thread.visibility
        )
        .order_by("id")
        .first()
    )
    alone = not copy.thread.copies.exclude(message_id=copy.message_id).exists()
    if ours is None or not alone:
        return copy.thread_id
    ThreadKey.objects.filter(thread_id=copy.thread_id).update(thread_id=ours.thread_id)
    return ours.thread_id


def thread_follow(delivery: Delivery) -> Delivery:
    """The delivery, in the thread where its message stands now: it may have been moved, or its split undone, since."""
    copy = delivery.message.copies.select_related("thread").order_by("id").first()
    if copy is not None and copy.thread_id != delivery.thread_id:
        delivery.thread = copy.thread
        delivery.save(update_fields=["thread"])
    return delivery
