"""From what a person wrote to a delivery: one message, the gate, then a row that waits to be sent."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import Any

from django.db import Error, connection, transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.ids import new_id
from kith.base.text import clean
from kith.channels.compose import (
    UNDO_SECONDS,
    Compose,
    OutboxError,
    OutgoingFile,
    SendResult,
    compose_again,
    gate_ask,
    request_of,
    verdict_preview,
)
from kith.channels.limits import words_of
from kith.channels.models import Delivery
from kith.contacts.models import Identity
from kith.contacts.services import contact_for_identity, identities_observe
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import (
    Attachment,
    Conversation,
    Message,
    MessageCopy,
    Participant,
    Thread,
    ThreadKey,
)
from kith.conversations.services import conversations_refresh, messages_refresh, search_documents_write
from kith.core import audit, events
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.teams.models import User
from kith.trust.services import gate_preview, touch_request, touches_cancel
from kith.trust.services.held import parts_back
from kith.trust.services.ledger import parts_cancel
from kith.trust.types import GateResult, Verdict

__all__ = [
    "DELIVER_CHANNEL",
    "SIGNED",
    "UNDO_SECONDS",
    "Compose",
    "OutboxError",
    "OutgoingFile",
    "SendResult",
    "compose_again",
    "deliver_notify",
    "gate_ask",
    "message_release",
    "message_send",
    "message_unsend",
    "own_identity_id",
    "scheduled_release",
    "verdict_preview",
]
log = logging.getLogger(__name__)
SIGNED = "\n\n-- \n"
DELIVER_CHANNEL = "kith_deliver"


def message_send(compose: Compose) -> SendResult:
    """Write the message down, ask the gate, and queue its delivery: one transaction. Raises OutboxError."""
    _check(compose)
    with transaction.atomic():
        thread = compose.thread or _thread(compose)
        message = _message(compose, thread)
        later = compose.send_at is not None and compose.send_at > now()
        if later:
            verdict = gate_preview(request_of(compose, message.pk))
            if verdict.outcome == "deny":
                verdict = gate_ask(compose, subject_id=message.pk)  # so that its reason is kept
                message.state = Message.State.HELD
            delivery = None
        else:
            result = touch_request(request_of(compose, message.pk), override_reason=compose.override_reason)
            verdict = result.verdict
            delivery = _deliver(compose, message, thread, result) if result.allowed else None
            message.state = Message.State.QUEUED if delivery else Message.State.HELD
        message.save(update_fields=["state"])
        _after(compose, message, thread)
    if delivery is None:
        return SendResult(message.pk, thread.conversation_id, verdict)
    return SendResult(message.pk, thread.conversation_id, verdict, delivery.pk, delivery.not_before)


def _check(compose: Compose) -> None:
    if not compose.text.strip() and not compose.files:
        raise OutboxError(_("There is nothing to send yet. Write something or add a file."))
    if compose.account.state in (ChannelAccount.State.REMOVED, ChannelAccount.State.PAUSED):
        raise OutboxError(_("%s is not connected at the moment.") % compose.account.name)
    if compose.visibility == "private":
        if not compose.recipients:
            raise OutboxError(_("Say who it is for."))
        manifest = manifest_of(compose.account.network)
        if manifest is not None and not manifest.limits.private_messages:
            raise OutboxError(manifest.limits.reasons["private_messages"])


def _thread(compose: Compose) -> Thread:
    """The thread of the message that is answered, or a new one (in the conversation it was written in)."""
    if compose.reply_to is not None:
        found = Thread.objects.filter(
            copies__message=compose.reply_to, scope_id=compose.account.scope_id, visibility=compose.visibility
        ).first()
        if found is not None:
            return found
    first = compose.recipients[0][0] if compose.recipients else None
    conversation_id = compose.conversation_id
    if conversation_id is None:
        conversation_id = Conversation.objects.create(
            identity_id=first, assignee=compose.user, team_id=compose.account.team_id
        ).pk
    thread = Thread.objects.create(
        conversation_id=conversation_id,
        scope_id=compose.account.scope_id,
        network=compose.account.network,
        channel_account=compose.account,
        visibility=compose.visibility,
        subject=compose.subject[:500],
        subject_key=compose.subject.casefold()[:200],
        identity_id=first,
        last_at=now(),
    )
    if compose.in_reply_to:  # what they say to our answer stands under their post, and belongs here
        ThreadKey.objects.get_or_create(
            network=thread.network,
            scope_id=thread.scope_id,
            key=compose.in_reply_to,
            defaults={"thread": thread},
        )
    return thread


def own_identity_id(account: ChannelAccount) -> uuid.UUID | None:
    if not account.external_id:
        return None
    us = ObservedIdentity(
        account.network, account.external_id, account.realm, account.address, account.display_name, kind="us"
    )
    return identities_observe([us])[us.key].id


def _message(compose: Compose, thread: Thread, *, key: uuid.UUID | None = None) -> Message:
    key = key or new_id()
    moment = compose.send_at if compose.send_at and compose.send_at > now() else now()
    sender = own_identity_id(compose.account)
    message = Message.objects.create(
        id=key,
        network=compose.account.network,
        external_id=f"pending:{key}",
        content_hash="",
        direction=Message.Direction.OUT,
        state=Message.State.SCHEDULED,
        at=moment,
        received_at=now(),
        sender_id=sender,
        author=compose.user,
        subject=clean(compose.subject)[:1000],
        text=clean(compose.text) + (f"{SIGNED}{clean(compose.signature)}" if compose.signature else ""),
        signature_at=len(clean(compose.text)) if compose.signature else None,
        html=clean(compose.html),
        visibility=compose.visibility,
        in_reply_to=compose.reply_to.external_id if compose.reply_to else compose.in_reply_to,
        content_warning=clean(compose.content_warning)[:500],
        automatic=_automatic(compose),
        extra={**compose.extra, **_asked(compose), "channel_account": str(compose.account.pk)},
    )
    people = [(identity, role) for identity, role in compose.recipients] + (
        [(sender, "from")] if sender else []
    )
    Participant.objects.bulk_create(
        [Participant(message=message, identity_id=i, role=r, at=moment) for i, r in dict.fromkeys(people)]
    )
    Attachment.objects.bulk_create(
        Attachment(
            message=message,
            digest=f.digest,
            file_name=f.file_name,
            content_type=f.content_type,
            size=f.size,
            alt_text=f.alt_text,
        )
        for f in compose.files
    )
    MessageCopy.objects.create(
        message=message, thread=thread, scope_id=thread.scope_id, channel_account=compose.account, at=moment
    )
    return message


def _automatic(compose: Compose) -> str:
    """What a machine sends is no answer, and no conversation that waits in the inbox."""
    if compose.actor != "automation":
        return ""
    return "acknowledgement" if compose.kind == "acknowledgement" else "bulk"


def _asked(compose: Compose) -> dict[str, Any]:
    """What the gate is asked about a message again, when it is due or was held."""
    kept: dict[str, Any] = {"kind": compose.kind}
    if compose.purpose != "service":
        kept["purpose"] = compose.purpose
    if compose.name_used:
        kept["name_used"] = compose.name_used
    if compose.urgent:
        kept["urgent"] = True
    if compose.based_on:
        kept["based_on"] = [used.kept() for used in compose.based_on]
    return kept


def _deliver(compose: Compose, message: Message, thread: Thread, result: GateResult) -> Delivery:
    values = {
        "thread": thread,
        "channel_account": compose.account,
        "decision_id": result.clearances[0].decision_id,
        "not_before": now() + timedelta(seconds=compose.undo_seconds),
    }
    # One that ended at the last moment, unsent, is begun again: the network is to know it by the same key.
    ended = Delivery.objects.filter(message=message, state=Delivery.State.CANCELLED)
    if ended.update(**values, state=Delivery.State.QUEUED, attempts=0, error=""):
        delivery = Delivery.objects.get(message=message, idempotency_key=message.pk)
    else:
        delivery = Delivery.objects.create(message=message, idempotency_key=message.pk, **values)
    deliver_notify()
    return delivery


def deliver_notify() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [DELIVER_CHANNEL])


def _after(compose: Compose, message: Message, thread: Thread) -> None:
    """An answer opens a conversation's clock anew, makes a contact of whom it answers, and takes it to its writer."""
    Thread.objects.filter(pk=thread.pk).update(last_at=message.at, channel_account=compose.account)
    if compose.user is not None and compose.kind == "reply":
        for identity in Identity.objects.filter(
            pk__in=[i for i, role in compose.recipients if role == "to"],
            contact=None,
            kind=Identity.Kind.PERSON,
        ):
            contact_for_identity(identity=identity, user=compose.user)
        Conversation.objects.filter(pk=thread.conversation_id, first_response_at=None).update(
            first_response_at=now()
        )
        Conversation.objects.filter(pk=thread.conversation_id, assignee=None).update(assignee=compose.user)
    search_documents_write([message.pk])
    conversations_refresh([thread.conversation_id])
    audit.record("message_written", "message", message.pk, account=str(compose.account.pk))
    events.record("message_written", [message.pk])


def message_unsend(*, message: Message, parts_wait: bool = False) -> bool:
    """Take a message back while it waits. False when it is too late: it is being sent or was sent.

    What was joined to it is taken back with it, or, with `parts_wait`, waits by itself again.
    """
    with transaction.atomic():
        waiting = Delivery.objects.select_for_update().filter(message=message)
        if any(d.state not in (Delivery.State.QUEUED, Delivery.State.CANCELLED) for d in waiting):
            return False
        if message.state not in (Message.State.QUEUED, Message.State.SCHEDULED, Message.State.HELD):
            return False
        waiting.update(state=Delivery.State.CANCELLED)
        message.state = Message.State.CANCELLED
        message.save(update_fields=["state"])
        (parts_back if parts_wait else parts_cancel)(message.pk)
        touches_cancel(message.pk)
        audit.record("message_unsent", "message", message.pk)
        messages_refresh([message.pk])
    return True


def message_release(message: Message, *, override_reason: str = "", user: User | None = None) -> Verdict:
    """Ask the gate (again) for a planned or held message, now; queue it when it allows."""
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message.pk)
        if message.state not in (Message.State.SCHEDULED, Message.State.HELD):
            return Verdict("deny", "plain", "")
        compose = compose_again(message, override_reason=override_reason, user=user)
        touches_cancel(message.pk)
        result = touch_request(request_of(compose, message.pk), override_reason=override_reason)
        if result.allowed and compose.thread is not None:
            _deliver(compose, message, compose.thread, result)
        message.state = Message.State.QUEUED if result.allowed else Message.State.HELD
        message.at = now()
        message.save(update_fields=["state", "at"])
        MessageCopy.objects.filter(message=message).update(at=message.at)
        messages_refresh([message.pk])
    return result.verdict


def scheduled_release() -> int:
    """Release the messages whose planned time has come; returns how many."""
    due = list(Message.objects.filter(state=Message.State.SCHEDULED, at__lte=now()).order_by("at")[:200])
    for message in due:
        try:
            message_release(message)
        except Error:
            raise
        except Exception as error:
            # One that can't be released holds up no other, and is shown.
            log.exception("message %s can't be released", message.pk)
            message.state, message.extra = (
                Message.State.FAILED,
                {**message.extra, "failure": words_of(error)[:500]},
            )
            message.save(update_fields=["state", "extra"])
            messages_refresh([message.pk])
    return len(due)
