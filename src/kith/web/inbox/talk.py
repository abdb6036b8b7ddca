"""An open conversation as its screen shows it, gathered from the selectors."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from kith.channels.settle import DeliveryView, deliveries_of
from kith.contacts.selectors import tag_names_ask
from kith.conversations.models import Conversation
from kith.conversations.selectors import (
    ConversationView,
    LogItem,
    MessageItem,
    MessagesPage,
    conversation_asking,
    message_cursor,
    messages_asking,
)
from kith.conversations.services.attention import Present, presence_ask
from kith.core.asking import Asking, asked, asked_together
from kith.core.fields import as_number, as_uuid
from kith.engagement.selectors import macros_ask
from kith.teams.selectors import Named, colleagues_ask, teams_ask
from kith.teams.types import Viewer
from kith.web.access import SignedIn
from kith.web.inbox.box import Box, box_of, kept_asking
from kith.web.inbox.filters import filters_of
from kith.web.inbox.words import LaterChoice, bare_subject, later_choices
from kith.web.people.card import Card, card_asking

MOVING = ("queued", "unknown", "failed", "scheduled", "held")


@dataclass(frozen=True, slots=True)
class TagChoice:
    name: str
    on: bool


class Menus(NamedTuple):
    """What the menus of a conversation's head offer, and who else is here."""

    presence: tuple[Present, ...]
    colleagues: list[Named]
    teams: list[Named]
    tags: list[str]
    macros: list[Named]


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
    colleagues: list[Named] = field(default_factory=list)
    teams: list[Named] = field(default_factory=list)
    tags: list[TagChoice] = field(default_factory=list)
    priorities: list[tuple[int, Any]] = field(default_factory=list)
    snoozes: list[LaterChoice] = field(default_factory=list)
    macros: list[Named] = field(default_factory=list)
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


def menus_asking(viewer: Viewer, conversation_id: uuid.UUID) -> Asking[Menus]:
    """To be asked together with the conversation."""
    return Menus(
        *(
            yield (
                presence_ask(viewer, conversation_id),
                colleagues_ask(),
                teams_ask(),
                tag_names_ask(40),
                macros_ask(viewer),
            )
        )
    )


def talk_head(request: SignedIn, conversation: ConversationView, menus: Menus | None = None) -> Talk:
    """The head of a conversation with what its menus offer, without messages."""
    title = bare_subject(conversation.subject) or (
        conversation.person.name if conversation.person else _("Conversation")
    )
    on = {tag.name for tag in conversation.tags}
    menus = menus or asked(menus_asking(request.viewer, conversation.id))
    return Talk(
        id=conversation.id,
        conversation=conversation,
        title=title,
        back=back_to(request),
        items=(),
        before=None,
        after=None,
        presence=menus.presence,
        colleagues=sorted(menus.colleagues, key=lambda u: u.id != request.user.pk),
        teams=menus.teams,
        tags=[TagChoice(name, name in on) for name in dict.fromkeys([*sorted(on), *menus.tags])],
        priorities=[(int(value), label) for value, label in Conversation.Priority.choices][::-1],
        snoozes=later_choices(),
        macros=menus.macros,
    )


def stream_asking(request: SignedIn, conversation_id: uuid.UUID) -> Asking[MessagesPage]:
    """The newest messages, as many as the screen holds; or those around `?m=<message>`, or before `?before=<cursor>`."""
    if before := request.GET.get("before"):
        return messages_asking(request.viewer, conversation_id, before=before)
    limit = min(400, max(50, as_number(request.GET.get("shown", ""))))
    wanted = as_uuid(request.GET.get("m", "") or request.GET.get("around", ""))
    around = message_cursor(request.viewer, conversation_id, wanted) if wanted else None
    return messages_asking(request.viewer, conversation_id, around=around, limit=limit)


def talk_with_messages(request: SignedIn, conversation_id: uuid.UUID) -> Talk | None:
    """The head with the messages; None when the viewer may not see one."""
    found: ConversationView | None
    found, menus, page = asked_together(
        conversation_asking(request.viewer, conversation_id),
        menus_asking(request.viewer, conversation_id),
        stream_asking(request, conversation_id),
    )
    return with_page(talk_head(request, found, menus), page) if found is not None else None


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
    viewer = request.viewer
    conversation: ConversationView | None
    conversation, menus, page, kept, card = asked_together(
        conversation_asking(viewer, conversation_id),
        menus_asking(viewer, conversation_id),
        stream_asking(request, conversation_id),
        kept_asking(viewer, conversation_id),
        card_asking(viewer, conversation_id),
    )
    if conversation is None:
        return None
    talk = with_page(talk_head(request, conversation, menus), page)
    box = box_of(request, conversation, kept=kept) if conversation.may_write else None
    return replace(talk, box=box, card=card)
