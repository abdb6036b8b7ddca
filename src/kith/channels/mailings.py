"""One message of a mailing, which the gate has let through already: written down, and queued."""

from __future__ import annotations

import uuid
from dataclasses import replace

from kith.channels.compose import Compose
from kith.channels.outbox import _after, _deliver, _message, _thread
from kith.conversations.models import Conversation, Message, Thread
from kith.trust.types import Clearance, GateResult, Verdict


def message_cleared(compose: Compose, message_id: uuid.UUID, clearance: Clearance) -> Message:
    """A message with its delivery, in the newest conversation with them in this circle, else in a closed one of its own:
    nobody has to deal with what we began. In the running transaction."""
    thread = _thread_of(compose)
    message = _message(compose, thread, key=message_id)
    _deliver(
        compose,
        message,
        thread,
        GateResult((clearance,), Verdict("allow", "plain", ""), (clearance.touch_id,)),
    )
    message.state = Message.State.QUEUED
    message.save(update_fields=["state"])
    _after(compose, message, thread)
    return message


def _thread_of(compose: Compose) -> Thread:
    whom = compose.recipients[0][0]
    before = (
        Thread.objects.filter(identity_id=whom, scope_id=compose.account.scope_id, visibility="private")
        .order_by("-last_at")
        .values_list("conversation_id", flat=True)
        .first()
    )
    conversation = (
        before
        or Conversation.objects.create(
            identity_id=whom, status=Conversation.Status.CLOSED, team_id=compose.account.team_id
        ).pk
    )
    return _thread(replace(compose, conversation_id=conversation))
