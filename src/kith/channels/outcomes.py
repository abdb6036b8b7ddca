"""What became of a delivery, written down: sent, refused, to be tried later, or known to nobody.

Whoever was told by the network knows it alone, so each of these waits for a database that is away. They raise SessionEnded
when another session than the one that claimed has written it, as that one's claims are free.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from kith.base.clock import now
from kith.channels.absorb import double_absorb
from kith.channels.durable import waits_for_database
from kith.channels.models import Delivery
from kith.connectors.contract import NamesAhead, Outgoing, Receipt, Sends
from kith.conversations.models import Message, Thread, ThreadKey
from kith.conversations.services import messages_refresh, search_documents_write
from kith.core import audit, events
from kith.teams.models import User
from kith.trust.models import Touch
from kith.trust.services import touches_made, touches_recheck

MAX_ATTEMPTS = 12


def delivery_name(delivery: Delivery, connector: Sends, outgoing: Outgoing) -> None:
    """Store the message's id before it leaves, so that its copy or an answer that overtakes us is recognised."""
    if isinstance(connector, NamesAhead) and delivery.message.external_id.startswith("pending:"):
        with transaction.atomic():
            delivery.message.external_id = connector.external_id_for(outgoing)[:1000]
            delivery.message.save(update_fields=["external_id"])
            if delivery.thread is not None:
                _keys_record(
                    thread=delivery.thread,
                    keys=[delivery.message.external_id, f"mid:{delivery.message.external_id}"],
                )


def delivery_clears(delivery: Delivery) -> bool:
    """Whether the gate still allows it, at the moment of sending. If not, the delivery ends and the message is held."""
    with transaction.atomic():
        verdict = touches_recheck(delivery.message_id)
        if verdict is None:
            return True
        if _still_ours(delivery):
            delivery.state, delivery.error = Delivery.State.CANCELLED, verdict.sentence[:2000]
            delivery.save(update_fields=["state", "error"])
            Message.objects.filter(pk=delivery.message_id).update(state=Message.State.HELD)
            messages_refresh([delivery.message_id])
            events.record("message_held", [delivery.message_id])
    return False


@waits_for_database
def delivery_sent(delivery: Delivery, receipt: Receipt) -> None:
    """The network has it."""
    with transaction.atomic():
        # What is sent stays sent, whoever has taken the claim over meanwhile.
        double_absorb(
            delivery.message, receipt.external_id[:1000], scope_id=delivery.channel_account.scope_id
        )
        delivery.state, delivery.sent_at, delivery.error = Delivery.State.SENT, now(), ""
        delivery.external_id = receipt.external_id[:1000]
        delivery.save(update_fields=["state", "sent_at", "error", "external_id"])
        message = delivery.message
        message.state, message.external_id = Message.State.SENT, receipt.external_id[:1000]
        message.url = receipt.url[:2000]
        message.save(update_fields=["state", "external_id", "url"])
        if delivery.thread is not None:
            _keys_record(thread=delivery.thread, keys=[receipt.external_id, receipt.thread_key])
        touches_made(_touch_ids(message.pk))
        search_documents_write([message.pk])
        messages_refresh([message.pk])
        events.record("message_sent", [message.pk])


def _keys_record(*, thread: Thread, keys: Sequence[str]) -> None:
    """Note under which keys the network knows what we sent, so that answers find their thread."""
    ThreadKey.objects.bulk_create(
        [
            ThreadKey(thread=thread, scope_id=thread.scope_id, network=thread.network, key=k[:1000])
            for k in keys
            if k
        ],
        ignore_conflicts=True,
    )


def _touch_ids(message_id: uuid.UUID) -> list[uuid.UUID]:
    return list(
        Touch.objects.filter(subject_id=message_id, state=Touch.State.ALLOWED).values_list("id", flat=True)
    )


@waits_for_database
def delivery_failed(delivery: Delivery, error: str) -> None:
    """It was not sent and never will be, and `error` says why."""
    _settle(delivery, Delivery.State.FAILED, Message.State.FAILED, error)


@waits_for_database
def delivery_unknown(delivery: Delivery, error: str) -> None:
    """Nobody can tell; a person decides."""
    _settle(delivery, Delivery.State.UNKNOWN, Message.State.UNKNOWN, error)


@waits_for_database
def delivery_later(delivery: Delivery, error: str, after: float) -> None:
    """Surely not sent: tried again after `after` seconds or more, refused after MAX_ATTEMPTS."""
    if delivery.attempts >= MAX_ATTEMPTS:
        _settle(delivery, Delivery.State.FAILED, Message.State.FAILED, error)
        return
    with transaction.atomic():
        if not _still_ours(delivery):
            return
        delivery.state, delivery.error = Delivery.State.QUEUED, error[:2000]
        delivery.not_before = now() + timedelta(
            seconds=min(max(after, 5.0) * 1.5 ** (delivery.attempts - 1), 3600)
        )
        delivery.save(update_fields=["state", "error", "not_before"])


def _settle(delivery: Delivery, state: str, message_state: str, error: str) -> None:
    with transaction.atomic():
        if not _still_ours(delivery):
            return
        delivery.state, delivery.error = state, error[:2000]
        delivery.save(update_fields=["state", "error"])
        Message.objects.filter(pk=delivery.message_id).update(state=message_state)
        messages_refresh([delivery.message_id])
        events.record(f"message_{message_state}", [delivery.message_id])


def _still_ours(delivery: Delivery) -> bool:
    """Whether the claim is still the one that we made; locks the row. Another may have taken it for an orphan."""
    row = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
    return (row.state, row.claimed_by) == (Delivery.State.CLAIMED, delivery.claimed_by)


def delivery_settle(*, delivery: Delivery, was_sent: bool, user: User) -> None:
    """A person says what became of an uncertain delivery: it was sent, or send it again."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().select_related("message").get(pk=delivery.pk)
        if delivery.state != Delivery.State.UNKNOWN:
            return
        delivery.settled_by = user
        delivery.state = Delivery.State.SENT if was_sent else Delivery.State.QUEUED
        delivery.not_before, delivery.sent_at = now(), now() if was_sent else None
        delivery.save(update_fields=["settled_by", "state", "not_before", "sent_at"])
        Message.objects.filter(pk=delivery.message_id).update(
            state=Message.State.SENT if was_sent else Message.State.QUEUED
        )
        audit.record("delivery_settled", "message", delivery.message_id, was_sent=was_sent)
        messages_refresh([delivery.message_id])
