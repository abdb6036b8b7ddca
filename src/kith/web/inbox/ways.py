"""How a conversation can be answered, and how it can be passed on: what the box offers, and what the outbox gets of it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from kith.base.greetings import greeted_name
from kith.channels import visitors
from kith.channels.answers import recipients_known, recipients_typed
from kith.channels.compose import advice_of
from kith.channels.outbox import Compose, OutboxError
from kith.channels.visitors import Visit
from kith.contacts.models import Identity
from kith.conversations.models import Message, MessageCopy, Participant, Thread
from kith.conversations.selectors import ConversationView, ReplyChannel, reply_addresses
from kith.core.objects import objects
from kith.networks.models import ChannelAccount
from kith.networks.selectors import NetworkManifest, channel_accounts_for, manifest_of
from kith.trust.advice import Advice, OtherWay
from kith.trust.services import channel_of
from kith.web.access import SignedIn

NOTE = "note"
FORWARD, BY_MAIL = "forward", "mail"
MOST_WAYS = 8


@dataclass(frozen=True, slots=True)
class Way:
    """One way to answer, as a choice. `value` names it in the form; it is looked up again, never trusted.

    `to` are the recipients that a mail has unless others are typed, `audiences` who a public post may be for.
    """

    value: str
    text: str
    icon_name: str
    visibility: str
    verb: str
    hint: str = ""
    limit: int | None = None
    unit: str = "characters"
    channel: ReplyChannel | None = None
    account_id: uuid.UUID | None = None
    is_mail: bool = False
    to: str = ""
    subject: str = ""
    takes_files: bool = False
    takes_warning: bool = False
    takes_alt: bool = False
    takes_html: bool = False
    audiences: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed into the box, beside the text. "" for what they left as it was."""

    text: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    warning: str = ""
    audience: str = ""
    reply_to: uuid.UUID | None = None
    urgent: bool = False


def _verb(medium: str, visibility: str) -> str:
    if visibility == "public":
        return _("Post publicly")
    return {"mail": _("Send mail"), "sms": _("Send text"), "letter": _("Write letter")}.get(medium, _("Send"))


def _of_network(way: Way, manifest: NetworkManifest | None) -> Way:
    """The way with what its network can do."""
    if manifest is None:
        return way
    limits = manifest.limits
    return replace(
        way,
        is_mail=manifest.medium == "mail",
        takes_files=limits.supports_attachments,
        takes_warning=limits.supports_content_warning,
        takes_alt=limits.supports_alt_text,
        takes_html=limits.supports_html,
        audiences=limits.audiences if way.visibility == "public" else {},
    )


def ways_of(request: SignedIn, conversation: ConversationView, visit: Visit | None = None) -> list[Way]:
    """How this conversation can be answered, the best first; a note to colleagues last."""
    found: dict[str, Way] = {}
    for channel in conversation.reply_channels:
        value = ":".join(
            str(part or "") for part in (channel.channel_account_id, channel.thread_id, channel.identity_id)
        )
        name = channel.address or channel.account
        public = channel.visibility == "public"
        subject = channel.subject if channel.supports_subject else ""
        way = Way(
            value=value,
            text=_("%(account)s · public") % {"account": name} if public else name,
            icon_name="globe" if public else channel.icon,
            visibility=channel.visibility,
            verb=_verb(channel.medium, channel.visibility),
            hint=_("To %(name)s by %(network)s")
            % {"name": channel.handle or channel.identity, "network": channel.network_title},
            limit=channel.text_length,
            unit=channel.length_unit,
            channel=channel,
            account_id=channel.channel_account_id,
            subject=subject if not subject or subject.lower().startswith("re:") else f"Re: {subject}",
        )
        found.setdefault(value, _of_network(way, manifest_of(channel.network)))
    ways = _with_recipients(list(found.values())[:MOST_WAYS])
    if visit is not None and visit.address:
        by_mail = _by_mail(request, visit)
        ways = ways + by_mail if visit.is_here else by_mail + ways
    ways.append(
        Way(
            NOTE,
            _("Note to colleagues"),
            icon_name="lock",
            visibility="note",
            verb=_("Add note"),
            takes_html=True,
        )
    )
    return ways


def _mail_accounts(request: SignedIn) -> list[tuple[ChannelAccount, NetworkManifest]]:
    found = []
    for account in channel_accounts_for(request.viewer).exclude(state=ChannelAccount.State.PAUSED):
        manifest = manifest_of(account.network)
        if manifest is not None and manifest.medium == "mail" and "sends" in manifest.capabilities:
            found.append((account, manifest))
    return found[:MOST_WAYS]


def _by_mail(request: SignedIn, visit: Visit) -> list[Way]:
    """To the address that a visitor typed; its recipient is fixed, for nothing else may be done with a claim."""
    return [
        replace(
            _of_network(
                Way(
                    value=f"{BY_MAIL}:{account.pk}",
                    text=account.address or account.name,
                    icon_name=manifest.icon,
                    visibility="private",
                    verb=_("Send mail"),
                    hint=_("To %(address)s, as they typed it") % {"address": visit.address},
                    account_id=account.pk,
                    to=visit.address,
                ),
                manifest,
            ),
            is_mail=False,
        )
        for account, manifest in _mail_accounts(request)[:2]
    ]


def ways_to_forward(request: SignedIn, conversation: ConversationView) -> list[Way]:
    """From which mailboxes a message can be passed on; that of the conversation first."""
    here = [c.channel_account_id for c in conversation.reply_channels]
    ways = [
        _of_network(
            Way(
                value=f"{FORWARD}:{account.pk}",
                text=account.address or account.name,
                icon_name=manifest.icon,
                visibility="private",
                verb=_("Forward"),
                account_id=account.pk,
            ),
            manifest,
        )
        for account, manifest in _mail_accounts(request)
    ]
    return sorted(ways, key=lambda way: way.account_id not in here)


def account_of(way: Way) -> ChannelAccount | None:
    """The channel account that a way goes out from."""
    found = objects(ChannelAccount, "r.id = %(id)s", {"id": way.account_id}) if way.account_id else []
    return found[0] if found else None


def find_way(ways: Sequence[Way], value: str) -> Way | None:
    """The way of this value; the first for "" or one that is gone; None when there is none at all."""
    return next((way for way in ways if way.value == value), ways[0] if ways else None)


def mailbox(name: str, address: str) -> str:
    """An address with its name, as it can be read back from what is typed."""
    name = " ".join(name.replace('"', "").split())
    if not name or name.casefold() == address.casefold():
        return address
    return f'"{name}" <{address}>' if re.search(r"[,;:@<>()\[\]\\]", name) else f"{name} <{address}>"


def _with_recipients(ways: list[Way]) -> list[Way]:
    """Mail goes to whom the answered message names for answers (Reply-To), else to its sender."""
    answered = {
        way.channel.reply_to_id for way in ways if way.is_mail and way.channel and way.channel.reply_to_id
    }
    named: dict[uuid.UUID, list[tuple[str, str]]] = {}
    if answered:
        for message_id, name, address in reply_addresses(answered):
            named.setdefault(message_id, []).append((name, address))
    made = []
    for way in ways:
        channel = way.channel
        if way.is_mail and channel is not None and channel.identity_id:
            people = named.get(channel.reply_to_id, []) if channel.reply_to_id else []
            to = ", ".join(mailbox(*person) for person in people) or mailbox(channel.identity, channel.handle)
            way = replace(way, to=to)
        made.append(way)
    return made


def everybody(message: Message, way: Way) -> tuple[str, str]:
    """(to, cc) of an answer to all who got a mail, us left out."""
    us = {a.lower() for a in ChannelAccount.objects.values_list("address", flat=True) if a}
    rows = list(
        Participant.objects.filter(message=message, role__in=["to", "cc"])
        .exclude(identity__kind=Identity.Kind.US)
        .order_by("id")
        .values_list("role", "display_name", "identity__external_id")
    )
    sender = way.to.lower()
    others = [(n, a) for _role, n, a in rows if a.lower() not in us and a.lower() not in sender]
    return way.to, ", ".join(dict.fromkeys(mailbox(n, a) for n, a in others))


def compose_of(
    request: SignedIn,
    conversation: ConversationView,
    way: Way,
    typed: Typed,
    *,
    final: bool = False,
    account: ChannelAccount | None = None,
) -> Compose:
    """What the gate and the outbox get for a way of answering. `final`: addresses that were typed are looked up (and
    made known); before, whom it is for is the way's own recipient. Raises OutboxError for what is no address."""
    assert way.account_id is not None
    account = account or ChannelAccount.objects.get(pk=way.account_id)
    if way.value.startswith(f"{BY_MAIL}:"):
        try:
            made = visitors.answer_by_mail(
                viewer=request.viewer,
                user=request.user,
                conversation_id=conversation.id,
                account=account,
                text=typed.text,
                subject=typed.subject,
            )
        except visitors.VisitorError as error:
            raise OutboxError(_("Nobody left an address in this conversation.")) from error
        return made
    channel = way.channel
    chosen = _chosen(request, conversation, way, typed)
    # Before it is sent, whom it is for is asked alone.
    answered = chosen or (channel.reply_to_id if channel and final else None)
    reply_to = Message.objects.filter(pk=answered).first() if answered and channel else None
    if final:
        recipients = _recipients(way, typed, account, reply_to if chosen else None, final=True)
    else:
        recipients, _others = recipients_before(way, typed, account, reply_to if chosen else None)
    extra: dict[str, Any] = {}
    if typed.audience in way.audiences:
        extra["audience"] = typed.audience
    if channel is None:
        extra["forward_of"] = str(chosen or "")
    return Compose(
        user=request.user,
        account=account,
        text=typed.text,
        recipients=recipients,
        conversation_id=conversation.id,
        reply_to=reply_to,
        thread=Thread.objects.filter(pk=channel.thread_id).first()
        if channel and channel.thread_id and final
        else None,
        subject=(typed.subject or way.subject)[:500] if way.is_mail or way.subject else "",
        visibility=way.visibility,
        content_warning=typed.warning[:500] if way.takes_warning else "",
        kind="reply" if channel else "outreach",
        name_used="" if way.visibility == "public" else greeted_name(typed.text),
        urgent=typed.urgent,
        extra=extra,
    )


def _chosen(request: SignedIn, conversation: ConversationView, way: Way, typed: Typed) -> uuid.UUID | None:
    """The message that somebody chose to answer or to pass on, if it stands where this way leads."""
    if typed.reply_to is None:
        return None
    rows = MessageCopy.objects.filter(
        message_id=typed.reply_to,
        thread__conversation_id=conversation.id,
        scope_id__in=request.viewer.scope_ids,
    )
    if way.channel is not None:
        if way.channel.thread_id is None:
            return None
        rows = rows.filter(thread_id=way.channel.thread_id)
    return typed.reply_to if rows.exists() else None


def _recipients(
    way: Way, typed: Typed, account: ChannelAccount, reply_to: Message | None, *, final: bool
) -> tuple[tuple[uuid.UUID, str], ...]:
    if way.is_mail and final:
        to = typed.to.strip() or way.to
        return recipients_typed(account, to=to, cc=typed.cc, bcc=typed.bcc)
    if way.channel is None:
        return ()
    if reply_to is not None:
        role = ["from"] if reply_to.direction == Message.Direction.IN else ["to", "cc"]
        people = reply_to.participants.filter(role__in=role).exclude(identity__kind=Identity.Kind.US)
        found = tuple(dict.fromkeys((p.identity_id, "to") for p in people))
        if found:
            return found
    return ((way.channel.identity_id, "to"),) if way.channel.identity_id else ()


def recipients_before(
    way: Way, typed: Typed, account: ChannelAccount, reply_to: Message | None
) -> tuple[tuple[tuple[uuid.UUID, str], ...], bool]:
    """Whom it would be for, and whether for others whom nobody here knows: read from what is typed so far."""
    to = typed.to.strip()
    if way.is_mail and (
        way.channel is None or typed.cc.strip() or typed.bcc.strip() or to not in ("", way.to)
    ):
        return recipients_known(account, to=to or way.to, cc=typed.cc, bcc=typed.bcc)
    return _recipients(way, typed, account, reply_to, final=False), False


def advice_of_way(
    request: SignedIn,
    conversation: ConversationView,
    way: Way | None,
    typed: Typed,
    ways: Sequence[Way] = (),
    account: ChannelAccount | None = None,
) -> Advice | None:
    """What the gate would say now, and what would make it allowed; None for a note, which never leaves, and before
    anybody is named."""
    if way is None or way.account_id is None or way.value.startswith(f"{BY_MAIL}:"):
        return None
    compose = compose_of(request, conversation, way, typed, account=account)
    strangers = False
    if way.is_mail and (way.channel is None or typed.to or typed.cc or typed.bcc):
        _known, strangers = recipients_before(way, typed, compose.account, None)
    if not compose.recipients and not strangers and way.visibility != "public":
        return None
    others = [
        OtherWay(
            other.value,
            other.text,
            channel_of(other.channel.medium, visibility=other.visibility),
            other.channel.network,
        )
        for other in ways
        if other.channel is not None and other.value != way.value
    ]
    return advice_of(compose, request.viewer, others=others, strangers=strangers)
