"""What became of what we wrote, and what a person does about it: release, try again, settle, take back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.text import clean
from kith.channels.compose import OutboxError, compose_again, gate_of
from kith.channels.models import Delivery
from kith.channels.outbox import deliver_notify, message_release, message_unsend
from kith.channels.outcomes import delivery_settle
from kith.conversations.models import Message, MessageCopy
from kith.conversations.services import messages_refresh
from kith.core import audit
from kith.networks.models import ChannelAccount
from kith.teams.errors import NotAllowed
from kith.teams.models import User
from kith.teams.notifications import notify
from kith.teams.types import Viewer
from kith.trust.services import touches_cancel
from kith.trust.types import Verdict

State = Message.State


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """How the sending of a message stands. `due`: when it goes out next; `waits_for` names a channel that is not working."""

    state: str
    due: datetime
    attempts: int
    error: str
    waits_for: str

    @property
    def is_due(self) -> bool:
        return self.due <= now()


def deliveries_of(message_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, DeliveryView]:
    """The newest delivery of each message that has one. One query; none for no ids."""
    if not message_ids:
        return {}
    rows = (
        Delivery.objects.filter(message_id__in=message_ids)
        .order_by("id")
        .values_list(
            "message_id",
            "state",
            "not_before",
            "attempts",
            "error",
            "channel_account__state",
            "channel_account__name",
        )
    )
    working = (ChannelAccount.State.ACTIVE, ChannelAccount.State.REMOVED)
    return {
        message: DeliveryView(state, due, attempts, error, "" if channel in working else name)
        for message, state, due, attempts, error, channel, name in rows
    }


def may_decide(viewer: Viewer, author_id: uuid.UUID | None) -> bool:
    """Who releases, repeats or takes back a message: its author, and those who manage."""
    return viewer.may_write and (author_id == viewer.user_id or viewer.role in ("manager", "admin", "owner"))


def _own(viewer: Viewer, message_id: uuid.UUID, *, decides: bool = True) -> Message:
    """A message of ours that the viewer sees, locked. Raises NotAllowed."""
    message = Message.objects.select_for_update(of=("self",)).filter(pk=message_id).first()
    seen = MessageCopy.objects.filter(message_id=message_id, scope_id__in=viewer.scope_ids).exists()
    if message is None or not seen or not viewer.may_write or message.direction != Message.Direction.OUT:
        raise NotAllowed(_("There is no such message."))
    if decides and not may_decide(viewer, message.author_id):
        raise NotAllowed(_("Only who wrote it, or a manager, decides about it."))
    return message


@transaction.atomic
def outgoing_release(viewer: Viewer, message_id: uuid.UUID, *, reason: str = "") -> Verdict:
    """Send a planned message now, or ask the gate again about a held one; with a `reason`, a held one goes anyway.

    What is denied stays. Raises NotAllowed, and OutboxError when it does not wait any more.
    """
    message = _own(viewer, message_id)
    if message.state not in (State.SCHEDULED, State.HELD):
        raise OutboxError(_("It does not wait any more."))
    user = User.objects.get(pk=viewer.user_id)
    return message_release(message, override_reason=" ".join(clean(reason).split())[:500], user=user)


@transaction.atomic
def approval_ask(viewer: Viewer, message_id: uuid.UUID) -> int:
    """Ask those who manage to let a held message go; it waits among those held back. Returns how many were asked."""
    message = _own(viewer, message_id)
    copy = message.copies.select_related("thread").order_by("id").first()
    if message.state != State.HELD or copy is None:
        return 0
    writer = User.objects.get(pk=viewer.user_id)
    asked = [user.pk for user in User.objects.filter(is_active=True).exclude(pk=writer.pk) if user.manages]
    where = copy.thread.conversation_id
    told = notify(
        asked,
        kind="approval",
        title=lambda: _("%(name)s asks whether this may be sent") % {"name": writer.name},
        body=message.text,
        path=f"/inbox/{where}/?around={message.pk}",
        subject_id=message.pk,
        scope_id=copy.scope_id,
    )
    audit.record("approval_asked", "message", message.pk)
    return len(told)


@transaction.atomic
def outgoing_take_back(viewer: Viewer, message_id: uuid.UUID) -> Message:
    """Take back what has not left: planned, queued, held, or refused by the network. Raises OutboxError when it is too late."""
    message = _own(viewer, message_id)
    sent = Delivery.objects.filter(message=message, state=Delivery.State.SENT).exists()
    if message.state == State.FAILED and not sent:
        message.state = State.CANCELLED
        message.save(update_fields=["state"])
        touches_cancel(message.pk)
        audit.record("message_unsent", "message", message.pk)
        messages_refresh([message.pk])
    elif not message_unsend(message=message):
        raise OutboxError(_("Too late: it has been sent."))
    return message


@transaction.atomic
def outgoing_again(viewer: Viewer, message_id: uuid.UUID) -> Verdict:
    """Try once more what the network surely did not take. The gate is asked anew; the message keeps its key."""
    message = _own(viewer, message_id)
    delivery = Delivery.objects.select_for_update().filter(message=message).order_by("-id").first()
    if message.state != State.FAILED or delivery is None or delivery.state != Delivery.State.FAILED:
        raise OutboxError(_("It does not wait any more."))
    user = User.objects.get(pk=viewer.user_id)
    if delivery.channel_account.state == ChannelAccount.State.REMOVED:
        raise OutboxError(_("%s is not connected at the moment.") % delivery.channel_account.name)
    touches_cancel(message.pk)
    result = gate_of(compose_again(message, user=user), subject_id=message.pk)
    if result.allowed:
        delivery.decision_id = result.clearances[0].decision_id
        delivery.state, delivery.error, delivery.attempts = Delivery.State.QUEUED, "", 0
        delivery.not_before, delivery.claimed_at, delivery.claimed_by = now(), None, ""
        delivery.save()
        deliver_notify()
    message.state = State.QUEUED if result.allowed else State.HELD
    message.save(update_fields=["state"])
    audit.record("message_repeated", "message", message.pk)
    messages_refresh([message.pk])
    return result.verdict


@transaction.atomic
def outgoing_settle(viewer: Viewer, message_id: uuid.UUID, *, was_sent: bool) -> None:
    """Say what became of a message of which nobody knows: it arrived, or it goes out again."""
    message = _own(viewer, message_id, decides=False)
    delivery = Delivery.objects.filter(message=message, state=Delivery.State.UNKNOWN).order_by("-id").first()
    if delivery is None:
        raise OutboxError(_("It does not wait any more."))
    delivery_settle(delivery=delivery, was_sent=was_sent, user=User.objects.get(pk=viewer.user_id))
    if not was_sent:
        deliver_notify()
