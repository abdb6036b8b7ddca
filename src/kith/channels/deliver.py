"""Sending: claim, send, confirm (law 6). What may or may not have happened is never done again by itself.

A claim commits before the network is touched and a confirmation after; between the two a process may die. The claimer
holds a session lock for as long as it lives, so others know at once when a claim is orphaned, and ask the network.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import Error, connection, transaction

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.absorb import double_absorb, thread_follow
from kith.channels.limits import call_within, words_of
from kith.channels.models import Delivery
from kith.channels.outbox import refresh_message, thread_key_record
from kith.channels.tokens import tokens_fresh, tokens_renew
from kith.connectors.contract import (
    ConnectorError,
    FoundSent,
    Media,
    NamesAhead,
    NotSupported,
    OutcomeUnknown,
    Outgoing,
    Party,
    Receipt,
    ReconnectNeeded,
    Refused,
    RetryLater,
    Sends,
)
from kith.conversations.models import Message, Participant
from kith.conversations.services import search_documents_write
from kith.core import audit, blobs, events
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.teams.models import User
from kith.trust.services import touches_made

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 12
LOCK_SPACE = 0x4B17
# Longer than a sending takes: a process that lost only its database may still be busy with the network.
ORPHAN_AFTER = timedelta(seconds=30)
# No sending takes longer; one that does is asked for, and its thread no longer waited for.
SEND_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Claimer:
    """One sending thread. Its `number` is locked in PostgreSQL by the session that sends, for as long as that lives."""

    number: int

    @classmethod
    def start(cls) -> Claimer:
        number = int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF
        claimer = cls(number)
        claimer.hold()
        return claimer

    def hold(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_SPACE, self.number])


def deliveries_claim(claimer: Claimer) -> Delivery | None:
    """Take the oldest delivery that is due; committed when this returns. Those of paused channels stay where they are."""
    with transaction.atomic():
        found = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(
                state=Delivery.State.QUEUED,
                not_before__lte=now(),
                channel_account__state__in=(ChannelAccount.State.ACTIVE, ChannelAccount.State.REMOVED),
            )
            .order_by("not_before")
            .first()
        )
        if found is None:
            return None
        found.state, found.claimed_at, found.claimed_by = Delivery.State.CLAIMED, now(), str(claimer.number)
        found.attempts += 1
        found.save(update_fields=["state", "claimed_at", "claimed_by", "attempts"])
    return found


def outgoing_of(delivery: Delivery) -> Outgoing:
    """What the connector is given: read from rows, the same at every try."""
    message = delivery.message
    account = delivery.channel_account
    people = Participant.objects.filter(message=message).exclude(role="from").select_related("identity")
    parties = tuple(
        Party(
            external_id=p.identity.external_id,
            handle=p.identity.handle,
            display_name=p.identity.display_name,
            realm=p.identity.realm,
            role=p.role,  # type: ignore[arg-type]
            network=p.identity.network,
        )
        for p in people
    )
    keys = (
        list(delivery.thread.keys.order_by("id").values_list("key", flat=True)[:1]) if delivery.thread else []
    )
    return Outgoing(
        idempotency_key=str(delivery.idempotency_key),
        text=message.text,
        html=message.html,
        to=parties,
        subject=message.subject,
        in_reply_to=message.in_reply_to,
        references=_earlier(delivery),
        thread_key=keys[0] if keys else "",
        visibility="public" if message.visibility == "public" else "private",
        media=tuple(
            Media(a.file_name, a.content_type, a.size, content=blobs.read(a.digest), alt_text=a.alt_text)
            for a in message.attachments.order_by("id")
        ),
        content_warning=message.content_warning,
        from_name=_from_name(message, account),
        automatic=message.automatic == "acknowledgement",
        extra={"visibility": message.extra["audience"]} if message.extra.get("audience") else {},
    )


def _from_name(message: Message, account: ChannelAccount) -> str:
    shown = account.display_name or account.name
    return f"{message.author.name} · {shown}" if message.author else shown


def _earlier(delivery: Delivery) -> tuple[str, ...]:
    if delivery.thread is None:
        return ()
    ids = (
        delivery.thread.copies.filter(first_in_thread=True, at__lt=delivery.message.at)
        .exclude(message__direction="note")
        .exclude(message__external_id__startswith="pending:")
        .order_by("-at")
        .values_list("message__external_id", flat=True)[:20]
    )
    return tuple(reversed(list(ids)))


def deliver(delivery: Delivery) -> None:
    """Send a claimed delivery, outside any transaction, and confirm what happened."""
    delivery = _whole(delivery)
    account = delivery.channel_account
    try:
        if account.state == ChannelAccount.State.REMOVED:
            raise Refused("The channel was removed before this was sent.")
        delivery.channel_account = account = tokens_fresh(account)
        connector, outgoing = _prepared(delivery)
        _name_ahead(delivery, connector, outgoing)
    except RetryLater as error:
        _later(delivery, words_of(error, account), error.after)
    except (ReconnectNeeded, OutcomeUnknown) as error:
        _not_connected(delivery, error)
    except Error:
        raise
    except Exception as error:  # noqa: BLE001  (shown on the message)
        log.warning("delivery %s can't be sent: %s", delivery.pk, words_of(error, account))
        _failed(delivery, words_of(error, account))
    else:
        _send(delivery, connector, outgoing, may_renew=True)


def _whole(delivery: Delivery) -> Delivery:
    found = Delivery.objects.select_related("message__author", "channel_account", "thread").get(
        pk=delivery.pk
    )
    return thread_follow(found)


def _prepared(delivery: Delivery) -> tuple[Sends, Outgoing]:
    connector = gateway.connector_for(delivery.channel_account)
    if not isinstance(connector, Sends):
        raise NotSupported("This network takes no messages from us.")
    return connector, outgoing_of(delivery)


def _send(delivery: Delivery, connector: Sends, outgoing: Outgoing, *, may_renew: bool) -> None:
    account = delivery.channel_account
    try:
        receipt = call_within(SEND_SECONDS, lambda: connector.send(outgoing))
        if not isinstance(receipt, Receipt):
            raise OutcomeUnknown("The network gave no receipt.")
    except OutcomeUnknown as error:
        _ask_what_happened(delivery, connector, outgoing, words_of(error, account))
    except RetryLater as error:
        _later(delivery, words_of(error, account), error.after)
    except ReconnectNeeded as error:
        if may_renew and error.field == "auth" and (renewed := _renewed(delivery)) is not None:
            _send(delivery, renewed, outgoing, may_renew=False)
        else:
            _not_connected(delivery, error)
    except ConnectorError as error:
        _failed(delivery, words_of(error, account))
    except Exception as error:  # noqa: BLE001  (whatever a connector raises: the network is asked what happened)
        told = f"{type(error).__name__}: {words_of(error, account)}"
        log.warning("delivery %s broke off: %s", delivery.pk, told)
        _ask_what_happened(delivery, connector, outgoing, told)
    else:
        _sent(delivery, receipt)


def _renewed(delivery: Delivery) -> Sends | None:
    """The connector with new tokens; None when there are none to be had."""
    try:
        delivery.channel_account = tokens_renew(delivery.channel_account)
    except Error:
        raise
    except Exception as error:  # noqa: BLE001  (then it is not connected, which is told)
        log.warning("no new tokens: %s", words_of(error, delivery.channel_account))
        return None
    connector = gateway.connector_for(delivery.channel_account)
    return connector if isinstance(connector, Sends) else None


def _not_connected(delivery: Delivery, error: Exception) -> None:
    """Surely not sent. It waits until a person has connected the channel again."""
    account = delivery.channel_account
    if isinstance(error, ReconnectNeeded):
        account_needs_reconnect(account, words_of(error, account))
    _later(delivery, words_of(error, account), 60.0)


def account_needs_reconnect(account: ChannelAccount, error: str) -> None:
    """Stop reading and sending until a person connects the channel again; the rooms above tell them."""
    with transaction.atomic():
        if ChannelAccount.objects.filter(pk=account.pk, state=ChannelAccount.State.ACTIVE).update(
            state=ChannelAccount.State.RECONNECT
        ):
            events.record("channel_needs_reconnect", [account.pk])
        ChannelHealth.objects.update_or_create(
            channel_account=account, defaults={"last_error": error[:1000], "last_error_at": now()}
        )


def _name_ahead(delivery: Delivery, connector: Sends, outgoing: Outgoing) -> None:
    """Store the message's id before it leaves, so that its copy or an answer that overtakes us is recognised."""
    if isinstance(connector, NamesAhead) and delivery.message.external_id.startswith("pending:"):
        with transaction.atomic():
            delivery.message.external_id = connector.external_id_for(outgoing)[:1000]
            delivery.message.save(update_fields=["external_id"])
            if delivery.thread is not None:
                thread_key_record(
                    thread=delivery.thread,
                    keys=[delivery.message.external_id, f"mid:{delivery.message.external_id}"],
                )


def _sent(delivery: Delivery, receipt: Receipt) -> None:
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
            thread_key_record(thread=delivery.thread, keys=[receipt.external_id, receipt.thread_key])
        touches_made(_touch_ids(message.pk))
        search_documents_write([message.pk])
        refresh_message(message.pk)
        events.record("message_sent", [message.pk])


def _touch_ids(message_id: uuid.UUID) -> list[uuid.UUID]:
    from kith.trust.models import Touch

    return list(
        Touch.objects.filter(subject_id=message_id, state=Touch.State.ALLOWED).values_list("id", flat=True)
    )


def _settle(delivery: Delivery, state: str, message_state: str, error: str) -> None:
    with transaction.atomic():
        if not _still_ours(delivery):
            return
        delivery.state, delivery.error = state, error[:2000]
        delivery.save(update_fields=["state", "error"])
        Message.objects.filter(pk=delivery.message_id).update(state=message_state)
        refresh_message(delivery.message_id)
        events.record(f"message_{message_state}", [delivery.message_id])


def _still_ours(delivery: Delivery) -> bool:
    """Whether the claim is still the one that we made; locks the row. Another may have taken it for an orphan."""
    row = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
    return (row.state, row.claimed_by) == (Delivery.State.CLAIMED, delivery.claimed_by)


def _failed(delivery: Delivery, error: str) -> None:
    _settle(delivery, Delivery.State.FAILED, Message.State.FAILED, error)


def _unknown(delivery: Delivery, error: str) -> None:
    _settle(delivery, Delivery.State.UNKNOWN, Message.State.UNKNOWN, error)


def _later(delivery: Delivery, error: str, after: float) -> None:
    if delivery.attempts >= MAX_ATTEMPTS:
        _failed(delivery, error)
        return
    with transaction.atomic():
        if not _still_ours(delivery):
            return
        delivery.state, delivery.error = Delivery.State.QUEUED, error[:2000]
        delivery.not_before = now() + timedelta(
            seconds=min(max(after, 5.0) * 1.5 ** (delivery.attempts - 1), 3600)
        )
        delivery.save(update_fields=["state", "error", "not_before"])


def _ask_what_happened(delivery: Delivery, connector: Sends, outgoing: Outgoing, error: str) -> None:
    """Only the network knows. Sent: confirmed. Not sent: tried again. Anything else is shown to a person."""
    since = delivery.claimed_at or delivery.created_at
    try:
        found = call_within(SEND_SECONDS, lambda: connector.find_sent(outgoing, since=since))
        if not isinstance(found, FoundSent):
            found = FoundSent("unknown")
    except Exception as problem:  # noqa: BLE001  (whatever goes wrong while asking, the answer is that we don't know)
        found = FoundSent("unknown")
        error = f"{error} ({type(problem).__name__}: {words_of(problem, delivery.channel_account)})"
    if found.state == "sent" and found.receipt is not None:
        _sent(delivery, found.receipt)
    elif found.state == "not_sent":
        _later(delivery, error, 5.0)
    else:
        _unknown(delivery, error)


def orphans_recover(claimer: Claimer, *, limit: int = 50) -> int:
    """Deal with claims whose claimer died: ask the network what happened. Returns how many there were."""
    done = 0
    for delivery in map(_whole, _orphans(claimer, limit)):
        done += 1
        try:
            connector, outgoing = _prepared(delivery)
        except Error:
            raise
        except Exception as error:  # noqa: BLE001  (one that can't even be asked for holds up no other)
            _unknown(delivery, words_of(error, delivery.channel_account))
            continue
        _ask_what_happened(delivery, connector, outgoing, "Kith was interrupted while sending this.")
    return done


def _orphans(claimer: Claimer, limit: int) -> Sequence[Delivery]:
    """Claims whose claimer's lock can be taken; claimed anew by this session, so that one process asks."""
    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, claimed_by FROM channels_delivery WHERE state = 'claimed' AND claimed_at < %s "
            "ORDER BY claimed_at LIMIT %s FOR UPDATE SKIP LOCKED",
            [now() - ORPHAN_AFTER, limit],
        )
        for key, claimed_by in cursor.fetchall():
            number = int(claimed_by) if claimed_by.isdigit() else 0
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK_SPACE, number])
            if cursor.fetchone()[0]:
                found.append(key)
        if found:
            # `claimed_at` stays: the network is asked for what it has had since the first claim, not since this one.
            Delivery.objects.filter(pk__in=found).update(claimed_by=str(claimer.number))
    return list(Delivery.objects.filter(pk__in=found))


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
        refresh_message(delivery.message_id)
