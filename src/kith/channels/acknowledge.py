"""Automatic acknowledgements: "we have your message", once a day at most, to proven senders, and only if switched on."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.utils import translation
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.channels.outbox import Compose, gate_ask, message_send, verdict_preview
from kith.conversations.models import Message
from kith.core import company, events
from kith.networks.models import ChannelAccount

FRESH = timedelta(hours=6)


def on_message_recorded(kind: str, ids: Sequence[uuid.UUID]) -> None:
    """Acknowledge new messages of channel accounts that do so. Idempotent: a message is acknowledged once."""
    messages = (
        Message.objects.filter(pk__in=ids, direction=Message.Direction.IN, automatic="", history=False)
        .filter(at__gt=now() - FRESH, copies__channel_account__acknowledge=True, visibility="private")
        .exclude(sender=None)
        .select_related("sender")
        .distinct()
    )
    for message in messages:
        acknowledge(message)


def acknowledge(message: Message) -> None:
    """Answer one message automatically, if the gate allows; a refusal leaves its Touch and Decision, and no message."""
    if message.sender is None or Message.objects.filter(extra__acknowledges=str(message.pk)).exists():
        return
    copy = message.copies.select_related("thread", "channel_account").order_by("id").first()
    if copy is None or copy.channel_account is None:
        return
    account: ChannelAccount = copy.channel_account
    with translation.override(message.language or None):
        text = account.acknowledgement or _(
            "Thank you for your message to %(company)s. It has arrived, and a person will answer you."
        ) % {"company": company.name() or account.display_name or account.name}
        subject = (
            message.subject if message.subject.casefold().startswith("re:") else f"Re: {message.subject}"
        )
    compose = Compose(
        user=None,
        account=account,
        text=text,
        recipients=((message.sender_id, "to"),) if message.sender_id else (),
        conversation_id=copy.thread.conversation_id,
        reply_to=message,
        thread=copy.thread,
        subject=subject if message.subject else "",
        kind="acknowledgement",
        actor="automation",
        undo_seconds=0,
        extra={"acknowledges": str(message.pk)},
    )
    if verdict_preview(compose).outcome != "allow":
        gate_ask(compose, subject_id=message.pk)  # leaves the Touch and its Decision
        return
    result = message_send(compose)
    if result.verdict.outcome != "allow":
        # Another worker was first: what the gate refused to a machine is nothing a colleague should see waiting.
        Message.objects.filter(pk=result.message_id).update(state=Message.State.CANCELLED)


def subscribe() -> None:
    events.subscribe("channels.acknowledge", ["message_recorded"], on_message_recorded)
