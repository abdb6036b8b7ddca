"""An open conversation as its screen shows it, gathered from the selectors."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from kith.channels.settle import DeliveryView, deliveries_of
from kith.contacts.models import Tag
from kith.conversations.models import Conversation
from kith.conversations.selectors import (
    ConversationView,
    LogItem,
    MessageItem,
    MessagesPage,
    conversation_get,
    conversation_messages,
    message_cursor,
)
from kith.conversations.services.attention import Present, presence_of
from kith.core.fields import as_uuid
from kith.engagement.models import Macro
from kith.engagement.selectors import macros
from kith.teams.models import Team, User
from kith.teams.selectors import colleagues
from kith.web.access import SignedIn
from kith.web.inbox.box import Box, box_of
from kith.web.inbox.filters import filters_of
from kith.web.inbox.words import LaterChoice, bare_subject, later_choices
from kith.web.people.card import Card, card_of

MOVING = ("queued", "unknown", "failed", "scheduled", "held")


@dataclass(frozen=True, slots=True)
class TagChoice:
    name: str
    on: bool


@dataclass(frozen=True, slots=True)
class Talk:
    id: uuid.UUID
    conversation: ConversationView
    title: str
    back: str
    items: Sequence[MessageItem | LogItem]
    before: str | None
    after: str | None
    presence: tuple[Present, ...] = ()
    colleagues: list[User] = field(default_factory=list)
    teams: list[Team] = field(default_factory=list)
    tags: list[TagChoice] = field(default_factory=list)
    priorities: list[tuple[int, Any]] = field(default_factory=list)
    snoozes: list[LaterChoice] = field(default_factory=list)
    macros: list[Macro] = field(default_factory=list)
    deliveries: dict[uuid.UUID, DeliveryView] = field(default_factory=dict)
    box: Box | None = None
    card: Card | None = None


def back_to(request: SignedIn) -> str:
    """The list that the conversation was opened from; the inbox for a name that no list has."""
    key = request.GET.get("in", "")
    try:
        address = reverse("inbox_view", args=[key]) if key else reverse("inbox")
    except NoReverseMatch:
        address = reverse("inbox")
    status = request.GET.get("status", "")
    kept = {**({"status": status} if status else {}), **filters_of(request.GET)}
    return f"{address}?{urlencode(kept)}" if kept else address


def talk_head(request: SignedIn, conversation: ConversationView) -> Talk:
    """The head of a conversation with what its menus offer, without messages."""
    title = bare_subject(conversation.subject) or (
        conversation.person.name if conversation.person else _("Conversation")
    )
    on = {tag.name for tag in conversation.tags}
    names = list(Tag.objects.order_by("name").values_list("name", flat=True)[:40])
    return Talk(
        id=conversation.id,
        conversation=conversation,
        title=title,
        back=back_to(request),
        items=(),
        before=None,
        after=None,
        presence=presence_of(request.viewer, conversation.id),
        colleagues=sorted(colleagues(request.viewer), key=lambda u: u.pk != request.user.pk),
        teams=list(Team.objects.order_by("name")),
        tags=[TagChoice(name, name in on) for name in dict.fromkeys([*sorted(on), *names])],
        priorities=[(int(value), label) for value, label in Conversation.Priority.choices][::-1],
        snoozes=later_choices(),
        macros=macros(request.viewer),
    )


def with_messages(request: SignedIn, talk: Talk) -> Talk:
    """The newest messages, as many as the screen holds; or those around `?m=<message>`."""
    shown = request.GET.get("shown", "")
    limit = min(400, max(50, int(shown) if shown.isdigit() else 0))
    wanted = as_uuid(request.GET.get("m", "") or request.GET.get("around", ""))
    around = message_cursor(request.viewer, talk.id, wanted) if wanted else None
    return with_page(talk, conversation_messages(request.viewer, talk.id, around=around, limit=limit))


def with_page(talk: Talk, page: MessagesPage) -> Talk:
    """A page of the history, and how the sending of what is on its way stands."""
    moving = [
        item.id
        for item in page.items
        if isinstance(item, MessageItem) and item.direction == "out" and item.state in MOVING
    ]
    return replace(
        talk, items=page.items, before=page.before, after=page.after, deliveries=deliveries_of(moving)
    )


def open_talk(request: SignedIn, conversation_id: uuid.UUID) -> Talk | None:
    """The whole open conversation, or None when the viewer may not see one."""
    conversation = conversation_get(request.viewer, conversation_id)
    if conversation is None:
        return None
    talk = with_messages(request, talk_head(request, conversation))
    person = conversation.person
    return replace(
        talk,
        box=box_of(request, conversation) if conversation.may_write else None,
        card=card_of(request.viewer, person) if person else None,
    )
