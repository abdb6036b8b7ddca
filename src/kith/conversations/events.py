"""What conversations hear of their own news: an answer tells the colleague whose conversation it is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.utils.translation import gettext as _

from kith.conversations.models import Message, MessageCopy
from kith.core import events
from kith.teams.notifications import notify
from kith.teams.selectors import viewer_of
from kith.teams.types import Viewer


def register() -> None:
    """Called when Django is ready."""
    events.subscribe("conversations.tell_assignee", ["message_recorded"], tell_assignee)


def tell_assignee(kind: str, ids: Sequence[uuid.UUID]) -> None:
    """Tell those who have the conversations of new messages from outside. Idempotent: a notification is renewed."""
    copies = (
        MessageCopy.objects.filter(
            message_id__in=ids,
            first_in_thread=True,
            message__direction=Message.Direction.IN,
            message__history=False,
            message__automatic="",
            thread__conversation__assignee__isnull=False,
        )
        .select_related("message__sender", "thread__conversation__assignee")
        .order_by("at")
    )
    viewers: dict[uuid.UUID, Viewer] = {}
    told: set[tuple[uuid.UUID, uuid.UUID]] = set()
    for copy in copies:
        user, conversation = copy.thread.conversation.assignee, copy.thread.conversation_id
        if user is None or (copy.message_id, user.pk) in told:
            continue
        viewer = viewers.setdefault(user.pk, viewer_of(user))
        if not viewer.sees(copy.scope_id):
            continue
        told.add((copy.message_id, user.pk))
        sender = copy.message.sender
        who = (sender.display_name or sender.handle or sender.external_id) if sender else ""
        notify(
            [user.pk],
            kind="message",
            title=lambda who=who: _("%(name)s wrote") % {"name": who} if who else _("A new message"),  # type: ignore[misc]
            body=copy.message.subject or copy.message.text[:400],
            path=f"/inbox/{conversation}/",
            subject_id=conversation,
            scope_id=copy.scope_id,
        )
