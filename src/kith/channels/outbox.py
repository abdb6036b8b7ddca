"""From what a person wrote to a delivery: one message, the gate, then a row that waits to be sent."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.graphemes import count
from kith.base.ids import new_id
from kith.base.text import clean
from kith.channels.models import Delivery
from kith.contacts.models import Identity
from kith.contacts.services import contact_for_identity
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
from kith.conversations.services import conversations_refresh, search_documents_write
from kith.core import audit, events
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.teams.models import User
from kith.trust.services import TouchRequest, channel_of, gate_preview, touch_request, touches_cancel
from kith.trust.types import GateResult, Verdict

UNDO_SECONDS = 10
SIGNED = "\n\n-- \n"
DELIVER_CHANNEL = "kith_deliver"


class OutboxError(ValueError):
    """Why a message can't be taken, in words for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    digest: str
    file_name: str
    content_type: str
    size: int
    alt_text: str = ""


@dataclass(frozen=True, slots=True)
class Compose:
    """What a person wants to send. Recipients are identities (id, role); a public post may have none."""

    user: User | None
    account: ChannelAccount
    text: str
    recipients: tuple[tuple[uuid.UUID, str], ...]
    conversation_id: uuid.UUID | None = None
    reply_to: Message | None = None
    thread: Thread | None = None
    subject: str = ""
    html: str = ""
    visibility: str = "private"
    files: tuple[OutgoingFile, ...] = ()
    content_warning: str = ""
    send_at: datetime | None = None
    kind: str = "reply"
    actor: str = "person"
    override_reason: str = ""
    undo_seconds: int = UNDO_SECONDS
    signature: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SendResult:
    """The message as it stands now, and what the gate said. Held messages stand in the conversation, unsent."""

    message_id: uuid.UUID
    conversation_id: uuid.UUID
    verdict: Verdict
    delivery_id: uuid.UUID | None = None
    undo_until: datetime | None = None


def _request(compose: Compose, subject_id: uuid.UUID | None = None) -> TouchRequest:
    manifest = manifest_of(compose.account.network)
    kind = compose.kind
    if kind == "reply" and compose.conversation_id is None and compose.reply_to is None:
        kind = "outreach"
    inbound = (
        compose.conversation_id is not None
        and MessageCopy.objects.filter(
            thread__conversation_id=compose.conversation_id, message__direction="in"
        ).exists()
    )
    return TouchRequest(
        kind=kind,  # type: ignore[arg-type]
        channel=channel_of(manifest.medium if manifest else "", visibility=compose.visibility),
        network=compose.account.network,
        identity_ids=tuple(dict.fromkeys(i for i, _ in compose.recipients)),
        subject_id=subject_id,
        actor=compose.actor,
        text_length=_length(compose),
        answers_inbound=inbound,
        user=compose.user,
    )


def _length(compose: Compose) -> int:
    """As the network counts: a content warning is part of the text."""
    manifest = manifest_of(compose.account.network)
    text = compose.content_warning + compose.text
    unit = manifest.limits.length_unit if manifest is not None else ""
    return len(text.encode()) if unit == "bytes" else count(text) if unit == "graphemes" else len(text)


def verdict_preview(compose: Compose) -> Verdict:
    """What the gate would say if this were sent now."""
    return gate_preview(_request(compose))


def gate_ask(compose: Compose, *, subject_id: uuid.UUID) -> Verdict:
    """Ask the gate for the record, without a message: what it says is kept as a Touch with its Decision."""
    return touch_request(_request(compose, subject_id)).verdict


def gate_of(compose: Compose, *, subject_id: uuid.UUID) -> GateResult:
    """Ask the gate for the record about a message that is stored: with its clearances, when it allows."""
    return touch_request(_request(compose, subject_id), override_reason=compose.override_reason)


def message_send(compose: Compose) -> SendResult:
    """Write the message down, ask the gate, and queue its delivery: one transaction. Raises OutboxError."""
    _check(compose)
    with transaction.atomic():
        thread = compose.thread or _thread(compose)
        message = _message(compose, thread)
        later = compose.send_at is not None and compose.send_at > now()
        if later:
            verdict = gate_preview(_request(compose, message.pk))
            if verdict.outcome == "deny":
                verdict = gate_ask(compose, subject_id=message.pk)  # so that its reason is kept
                message.state = Message.State.HELD
            delivery = None
        else:
            result = touch_request(_request(compose, message.pk), override_reason=compose.override_reason)
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
    if compose.visibility == "private" and not compose.recipients:
        raise OutboxError(_("Say who it is for."))


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
    return Thread.objects.create(
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


def own_identity_id(account: ChannelAccount) -> uuid.UUID | None:
    from kith.contacts.services import identities_observe

    if not account.external_id:
        return None
    us = ObservedIdentity(
        account.network, account.external_id, account.realm, account.address, account.display_name, kind="us"
    )
    return identities_observe([us])[us.key].id


def _message(compose: Compose, thread: Thread) -> Message:
    key, moment = new_id(), compose.send_at if compose.send_at and compose.send_at > now() else now()
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
        in_reply_to=compose.reply_to.external_id if compose.reply_to else "",
        content_warning=clean(compose.content_warning)[:500],
        automatic="acknowledgement" if compose.actor == "automation" else "",
        extra={**compose.extra, "kind": compose.kind, "channel_account": str(compose.account.pk)},
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


def _deliver(compose: Compose, message: Message, thread: Thread, result: GateResult) -> Delivery:
    due = now() + timedelta(seconds=compose.undo_seconds)
    delivery = Delivery.objects.create(
        message=message,
        thread=thread,
        channel_account=compose.account,
        decision_id=result.clearances[0].decision_id,
        idempotency_key=message.pk,
        not_before=due,
    )
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


def message_unsend(*, message: Message) -> bool:
    """Take a message back while it waits. False when it is too late: it is being sent or was sent."""
    with transaction.atomic():
        waiting = Delivery.objects.select_for_update().filter(message=message)
        if any(d.state not in (Delivery.State.QUEUED, Delivery.State.CANCELLED) for d in waiting):
            return False
        if message.state not in (Message.State.QUEUED, Message.State.SCHEDULED, Message.State.HELD):
            return False
        waiting.update(state=Delivery.State.CANCELLED)
        message.state = Message.State.CANCELLED
        message.save(update_fields=["state"])
        touches_cancel(message.pk)
        audit.record("message_unsent", "message", message.pk)
        refresh_message(message.pk)
    return True


def refresh_message(message_id: uuid.UUID) -> None:
    conversations_refresh(
        MessageCopy.objects.filter(message_id=message_id).values_list("thread__conversation_id", flat=True)
    )


def compose_again(message: Message, *, override_reason: str = "", user: User | None = None) -> Compose:
    """The Compose of a stored message, for one that is due or was held."""
    account = ChannelAccount.objects.get(pk=message.extra["channel_account"])
    copy = message.copies.select_related("thread").order_by("id").first()
    recipients: Sequence[tuple[uuid.UUID, str]] = [
        (p.identity_id, p.role) for p in message.participants.exclude(role="from")
    ]
    return Compose(
        user=user or message.author,
        account=account,
        text=message.text,
        recipients=tuple(recipients),
        conversation_id=copy.thread.conversation_id if copy else None,
        thread=copy.thread if copy else None,
        subject=message.subject,
        html=message.html,
        visibility=message.visibility,
        kind=message.extra.get("kind", "reply"),
        override_reason=override_reason,
        undo_seconds=0,
    )


def message_release(message: Message, *, override_reason: str = "", user: User | None = None) -> Verdict:
    """Ask the gate (again) for a planned or held message, now; queue it when it allows."""
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message.pk)
        if message.state not in (Message.State.SCHEDULED, Message.State.HELD):
            return Verdict("deny", "plain", "")
        compose = compose_again(message, override_reason=override_reason, user=user)
        touches_cancel(message.pk)
        result = touch_request(_request(compose, message.pk), override_reason=override_reason)
        if result.allowed and compose.thread is not None:
            _deliver(compose, message, compose.thread, result)
        message.state = Message.State.QUEUED if result.allowed else Message.State.HELD
        message.at = now()
        message.save(update_fields=["state", "at"])
        MessageCopy.objects.filter(message=message).update(at=message.at)
        refresh_message(message.pk)
    return result.verdict


def scheduled_release() -> int:
    """Release the messages whose planned time has come; returns how many."""
    due = list(Message.objects.filter(state=Message.State.SCHEDULED, at__lte=now()).order_by("at")[:200])
    for message in due:
        message_release(message)
    return len(due)


def thread_key_record(*, thread: Thread, keys: Sequence[str]) -> None:
    """Note under which keys the network knows what we sent, so that answers find their thread."""
    ThreadKey.objects.bulk_create(
        [
            ThreadKey(thread=thread, scope_id=thread.scope_id, network=thread.network, key=k[:1000])
            for k in keys
            if k
        ],
        ignore_conflicts=True,
    )
