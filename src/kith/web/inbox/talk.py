"""An open conversation as its screen shows it, gathered from the selectors."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.channels.outbox import Compose, verdict_preview
from kith.contacts.models import Tag
from kith.conversations.models import Conversation, Draft, Message, Presence, Thread
from kith.conversations.selectors import (
    ConversationView,
    LogItem,
    MessageItem,
    ReplyChannel,
    conversation_get,
    conversation_messages,
    message_cursor,
)
from kith.conversations.services.attention import seen_mark
from kith.engagement.models import SavedReply
from kith.networks.models import ChannelAccount
from kith.teams.models import Team, User
from kith.teams.selectors import colleagues
from kith.trust.types import Verdict
from kith.web.access import SignedIn
from kith.web.inbox.filters import filters_of
from kith.web.inbox.words import LaterChoice, later_choices
from kith.web.people.card import Card, card_of

HERE_SECONDS = 30
NOTE = "note"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to answer, as a choice. `value` names it in the form; it is looked up again, never trusted."""

    value: str
    text: str
    icon_name: str
    visibility: str
    verb: str
    hint: str = ""
    limit: int | None = None
    unit: str = "characters"
    channel: ReplyChannel | None = None


@dataclass(frozen=True, slots=True)
class TagChoice:
    name: str
    on: bool


@dataclass(frozen=True, slots=True)
class Here:
    name: str
    typing: bool


@dataclass(frozen=True, slots=True)
class Talk:
    id: uuid.UUID
    conversation: ConversationView
    title: str
    back: str
    items: Sequence[MessageItem | LogItem]
    before: str | None
    after: str | None
    presence: list[Here] = field(default_factory=list)
    colleagues: list[User] = field(default_factory=list)
    teams: list[Team] = field(default_factory=list)
    tags: list[TagChoice] = field(default_factory=list)
    priorities: list[tuple[int, Any]] = field(default_factory=list)
    snoozes: list[LaterChoice] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    way: Way | None = None
    draft: Draft | None = None
    draft_files: list[str] = field(default_factory=list)
    verdict: Verdict | None = None
    replies: list[SavedReply] = field(default_factory=list)
    error: str = ""
    card: Card | None = None


def _verb(channel: ReplyChannel) -> str:
    if channel.visibility == "public":
        return _("Post publicly")
    return {"mail": _("Send mail"), "sms": _("Send text"), "letter": _("Write letter")}.get(
        channel.medium, _("Send")
    )


def ways_of(conversation: ConversationView) -> list[Way]:
    """How this conversation can be answered, the best first; a note to colleagues last."""
    found: dict[str, Way] = {}
    for channel in conversation.reply_channels:
        value = ":".join(
            str(part or "") for part in (channel.channel_account_id, channel.thread_id, channel.identity_id)
        )
        name = channel.address or channel.account
        public = channel.visibility == "public"
        text = _("%(account)s · public") % {"account": name} if public else name
        found.setdefault(
            value,
            Way(
                value=value,
                text=text,
                icon_name="globe" if public else channel.icon,
                visibility=channel.visibility,
                verb=_verb(channel),
                hint=_("To %(name)s by %(network)s")
                % {"name": channel.handle or channel.identity, "network": channel.network_title},
                limit=channel.text_length,
                unit=channel.length_unit,
                channel=channel,
            ),
        )
    ways = list(found.values())[:8]
    ways.append(Way(NOTE, _("Note to colleagues"), icon_name="lock", visibility="note", verb=_("Add note")))
    return ways


def compose_of(
    request: SignedIn, conversation: ConversationView, way: Way, text: str, *, everybody: bool = False
) -> Compose:
    """What the gate and the outbox get for a way of answering. `everybody`: those in copy, too."""
    channel = way.channel
    assert channel is not None
    reply_to = Message.objects.filter(pk=channel.reply_to_id).first() if channel.reply_to_id else None
    recipients: list[tuple[uuid.UUID, str]] = [(channel.identity_id, "to")] if channel.identity_id else []
    if everybody and reply_to is not None:
        others = reply_to.participants.filter(role__in=["to", "cc", "from"]).exclude(identity__kind="us")
        recipients += [(o.identity_id, "cc") for o in others if o.identity_id != channel.identity_id]
    subject = channel.subject if channel.supports_subject else ""
    if subject and not subject.lower().startswith("re:"):
        subject = f"Re: {subject}"
    return Compose(
        user=request.user,
        account=ChannelAccount.objects.get(pk=channel.channel_account_id),
        text=text,
        recipients=tuple(dict.fromkeys(recipients)),
        conversation_id=conversation.id,
        reply_to=reply_to,
        thread=Thread.objects.filter(pk=channel.thread_id).first() if channel.thread_id else None,
        subject=subject,
        visibility=channel.visibility,
    )


def verdict_of(request: SignedIn, conversation: ConversationView, way: Way, text: str) -> Verdict | None:
    """What the gate would say now; None for a note, which never leaves."""
    if way.channel is None:
        return None
    return verdict_preview(compose_of(request, conversation, way, text))


def find_way(ways: Sequence[Way], value: str) -> Way:
    return next((way for way in ways if way.value == value), ways[0])


def _presence(request: SignedIn, conversation_id: uuid.UUID) -> list[Here]:
    rows = Presence.objects.filter(
        conversation_id=conversation_id, seen_at__gte=now() - timedelta(seconds=HERE_SECONDS)
    ).exclude(user=request.user)
    return [Here(row.user.name, row.typing) for row in rows.select_related("user").order_by("user__name")[:5]]


def mark_seen(request: SignedIn, conversation_id: uuid.UUID) -> None:
    seen_mark(request.viewer, [conversation_id])


def back_to(request: SignedIn) -> str:
    key = request.GET.get("in", "")
    address = reverse("inbox_view", args=[key]) if key else reverse("inbox")
    status = request.GET.get("status", "")
    kept = {**({"status": status} if status else {}), **filters_of(request.GET)}
    return f"{address}?{urlencode(kept)}" if kept else address


def talk_head(request: SignedIn, conversation: ConversationView) -> Talk:
    """The head of a conversation with what its menus offer, without messages."""
    title = conversation.subject or (conversation.person.name if conversation.person else _("Conversation"))
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
        presence=_presence(request, conversation.id),
        colleagues=sorted(colleagues(request.viewer), key=lambda u: u.pk != request.user.pk),
        teams=list(Team.objects.order_by("name")),
        tags=[TagChoice(name, name in on) for name in dict.fromkeys([*sorted(on), *names])],
        priorities=[(int(value), label) for value, label in Conversation.Priority.choices][::-1],
        snoozes=later_choices(),
    )


def with_messages(request: SignedIn, talk: Talk) -> Talk:
    """The newest messages, as many as the screen holds; or those around `?m=<message>`."""
    shown = request.GET.get("shown", "")
    limit = min(400, max(50, int(shown) if shown.isdigit() else 0))
    around = None
    if wanted := request.GET.get("m", ""):
        try:
            around = message_cursor(request.viewer, talk.id, uuid.UUID(wanted))
        except ValueError:
            around = None
    page = conversation_messages(request.viewer, talk.id, around=around, limit=limit)
    return replace(talk, items=page.items, before=page.before, after=page.after)


def with_composer(request: SignedIn, talk: Talk, *, text: str | None = None, via: str = "") -> Talk:
    """What the reply box needs: ways, the kept draft, the gate's verdict."""
    if not talk.conversation.may_write:
        return talk
    ways = ways_of(talk.conversation)
    draft = Draft.objects.filter(user=request.user, conversation_id=talk.id, mode="reply").first()
    kept = via or (str(draft.recipients.get("via", "")) if draft else "")
    way = find_way(ways, kept)
    replies = SavedReply.objects.filter(Q(team=None) | Q(team_id__in=request.viewer.team_ids))
    if text is not None:
        draft = Draft(body=text)
    return replace(
        talk,
        ways=ways,
        way=way,
        draft=draft,
        draft_files=[str(f.get("file_name", "")) for f in draft.attachments] if draft else [],
        verdict=verdict_of(request, talk.conversation, way, draft.body if draft else ""),
        replies=list(replies.order_by("name")[:30]),
    )


def open_talk(request: SignedIn, conversation_id: uuid.UUID) -> Talk | None:
    """The whole open conversation, or None when the viewer may not see one."""
    conversation = conversation_get(request.viewer, conversation_id)
    if conversation is None:
        return None
    talk = with_composer(request, with_messages(request, talk_head(request, conversation)))
    person = conversation.person
    return replace(talk, card=card_of(request.viewer, person) if person else None)
