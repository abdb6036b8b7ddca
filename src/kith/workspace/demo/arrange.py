"""What colleagues have done with the demo's conversations: joined, tagged, assigned, with a note."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from kith.contacts.models import Contact
from kith.conversations.models import Conversation
from kith.conversations.services.actions import (
    conversation_join,
    conversations_assign,
    conversations_set_priority,
    conversations_tag,
    note_add,
)
from kith.teams.selectors import viewer_of
from kith.workspace.demo.house import House


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
        if "note" in step:
            note_add(mara, newest, text=step["note"])
