"""What colleagues have done with the demo's conversations: joined, tagged, assigned, with a note."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from kith.base.clock import now
from kith.channels.models import Delivery
from kith.channels.outbox import Compose, message_send
from kith.channels.outcomes import delivery_unknown
from kith.contacts.models import Contact, Identity
from kith.conversations.models import Conversation, ConversationLogEntry, Message, MessageCopy, Thread
from kith.conversations.services import conversations_refresh
from kith.conversations.services.actions import (
    conversation_join,
    conversations_assign,
    conversations_set_priority,
    conversations_set_tray,
    conversations_snooze,
    conversations_tag,
    note_add,
)
from kith.engagement.models import SavedView
from kith.teams.selectors import viewer_of
from kith.trust.models import Suppression
from kith.trust.services import suppression_add
from kith.workspace.demo.house import House

VIEWS = (("Complaints", "in:all tag:complaint is:open"), ("Public, unread", "in:all is:public is:unread"))


def _open_ones(contact: Contact) -> list[uuid.UUID]:
    return list(
        Conversation.objects.filter(threads__identity__contact__canonical=contact, joined_into=None)
        .order_by("-threads__last_at")
        .values_list("pk", flat=True)
        .distinct()
    )


def arrange(house: House, contacts: Mapping[str, Contact], steps: Sequence[Mapping[str, Any]]) -> None:
    """Do what the stories say, by the same actions that the screens use."""
    mara = viewer_of(house.users["mara"])
    for step in steps:
        found = list(dict.fromkeys(_open_ones(contacts[step["person"]])))
        if not found:
            continue
        newest = found[0]
        if step.get("join") and len(found) > 1:
            conversation_join(mara, into=newest, other=found[1])
        if "tags" in step:
            conversations_tag(mara, [newest], add=tuple(step["tags"]))
        if "priority" in step:
            conversations_set_priority(mara, [newest], priority=step["priority"])
        if "assignee" in step:
            conversations_assign(mara, [newest], assignee_id=house.users[step["assignee"]].pk)
        if "snooze" in step:
            conversations_snooze(mara, [newest], until=now() + timedelta(days=step["snooze"]))
        if step.get("spam"):
            conversations_set_tray(mara, [newest], tray="spam")
        if "note" in step:
            note_add(viewer_of(house.users[step.get("by", "mara")]), newest, text=step["note"])
        _minutes_ago(newest)
        if "answer" in step:
            _answer(house, contacts[step["person"]], newest, step)
    for view in VIEWS:
        SavedView.objects.create(owner=house.users["mara"], name=view[0], query=view[1])


def _minutes_ago(conversation_id: uuid.UUID) -> None:
    """One after the other, as people do things."""
    entries = list(ConversationLogEntry.objects.filter(conversation_id=conversation_id).order_by("-id"))
    for number, entry in enumerate(entries):
        entry.created_at = now() - timedelta(minutes=2 + number)
    ConversationLogEntry.objects.bulk_update(entries, ["created_at"])


def _answer(house: House, contact: Contact, conversation_id: uuid.UUID, step: Mapping[str, Any]) -> None:
    """An answer on its way out: held by the gate where `never` says so, or one of which nobody knows whether it left."""
    identity = Identity.objects.filter(contact=contact, network=house.accounts[step["from"]].network).first()
    if identity is None:
        return
    if "never" in step:
        suppression_add(
            network=identity.network,
            address=identity.external_id,
            reason=step["never"],
            user=house.users[step["by"]],
        )
        Suppression.objects.filter(added_by=house.users[step["by"]]).update(
            created_at=now() - timedelta(days=5)
        )
    sent = message_send(
        Compose(
            user=house.users[step["by"]],
            account=house.accounts[step["from"]],
            text=step["answer"],
            subject=step.get("subject", ""),
            recipients=((identity.pk, "to"),),
            conversation_id=conversation_id,
            kind=step.get("kind", "reply"),
        )
    )
    if "unknown" in step and sent.delivery_id:
        delivery = Delivery.objects.get(pk=sent.delivery_id)
        delivery.state, delivery.claimed_by, delivery.claimed_at = Delivery.State.CLAIMED, "demo", now()
        delivery.save(update_fields=["state", "claimed_by", "claimed_at"])
        delivery_unknown(delivery, step["unknown"])
    at = now() - timedelta(minutes=step["minutes"])
    Message.objects.filter(pk=sent.message_id).update(at=at)
    MessageCopy.objects.filter(message_id=sent.message_id).update(at=at)
    Thread.objects.filter(copies__message_id=sent.message_id).update(last_at=at)
    conversations_refresh([conversation_id])
