"""What events mean for our rows: messages are recorded in batches, the rest one by one, in the order they came."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from django.db.models import Exists, OuterRef, Q

from kith.base.clock import now
from kith.channels.deletions import messages_gone
from kith.channels.erased import erased_keep_out
from kith.channels.models import Delivery, RawItem
from kith.connectors.contract import (
    DeliveryChanged,
    Event,
    FollowReceived,
    Media,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Party,
    ProfileUpdated,
    ReactionReceived,
    StreamGap,
)
from kith.contacts.models import Identity
from kith.contacts.services import identities_observe
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Message, MessageCopy, Reaction
from kith.conversations.services import (
    conversations_refresh,
    messages_record,
    messages_refresh,
    search_documents_write,
)
from kith.conversations.types import IncomingAttachment, IncomingMessage, IncomingParticipant, Place, Recorded
from kith.core import blobs, events
from kith.core.logs import hide_secrets
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.networks.selectors import manifest_of

E = TypeVar("E")
# No network is older; an earlier time is a mistake, and arithmetic with it may leave the calendar.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Understood:
    """A raw item and what it means."""

    raw: RawItem
    events: Sequence[Event]


def place_of(account: ChannelAccount) -> Place:
    return Place(
        network=account.network,
        scope_id=account.scope_id,
        channel_account_id=account.pk,
        history_until=account.history_until,
        team_id=account.team_id,
    )


def events_apply(account: ChannelAccount, items: Sequence[Understood]) -> None:
    """Apply in one transaction (the caller's). Applying the same items again changes nothing."""
    waiting: list[tuple[RawItem, MessageReceived]] = []
    for item in items:
        for event in item.events:
            if isinstance(event, MessageReceived):
                waiting.append((item.raw, event))
                continue
            _messages(account, waiting)
            waiting = []
            _other(account, event, item.raw)
    _messages(account, waiting)
    _forget_placeholders(
        [i.raw for i in items if i.raw.attempts and not any(isinstance(e, MessageReceived) for e in i.events)]
    )


def _messages(account: ChannelAccount, waiting: Sequence[tuple[RawItem, MessageReceived]]) -> None:
    wanted = _let_in(account, erased_keep_out(account, waiting))
    if not wanted:
        return
    recorded = messages_record(place_of(account), [_incoming(account, raw, event) for raw, event in wanted])
    _forget_placeholders([raw for raw, event in wanted if not event.unreadable])
    _bounces(account, [event for _, event in wanted], recorded)


def _let_in(
    account: ChannelAccount, waiting: Sequence[tuple[RawItem, MessageReceived]]
) -> list[tuple[RawItem, MessageReceived]]:
    """Which messages a mailbox's intake lets in; of the others the bytes are dropped, and that is noted."""
    if account.intake == ChannelAccount.Intake.ALL or not waiting:
        return list(waiting)
    if account.intake == ChannelAccount.Intake.LABEL:
        label = account.intake_label.casefold()
        passed = [
            (raw, event)
            for raw, event in waiting
            if label in {str(x).casefold() for x in (raw.meta.get("folder", ""), *raw.meta.get("labels", ()))}
        ]
    else:
        addresses = {p.external_id for _, event in waiting for p in event.parties if not p.is_us}
        known = set(
            Identity.objects.filter(network=account.network, external_id__in=addresses)
            .filter(Q(contact__isnull=False) | Q(touches__state="made"))
            .values_list("external_id", flat=True)
        )
        passed = [(r, e) for r, e in waiting if any(p.external_id in known for p in e.parties)]
    kept = {id(event) for _, event in passed}
    for raw, event in waiting:
        if id(event) not in kept:
            raw.error, raw.body = "not taken in: the channel takes only " + account.intake, b""
            raw.save(update_fields=["error", "body"])
    return passed


def observed_party(account: ChannelAccount, party: Party) -> ObservedIdentity:
    """A party as the network tells of it now."""
    kind = Identity.Kind.PERSON
    if party.is_us:
        kind = Identity.Kind.US
    elif party.automated:
        kind = Identity.Kind.AUTOMATED
    return ObservedIdentity(
        network=party.network or account.network,
        realm=party.realm,
        external_id=party.external_id,
        handle=party.handle,
        display_name=party.display_name,
        kind=kind,
        profile_url=party.profile_url,
        avatar_url=party.avatar_url,
        flags=party.flags,
    )


def _vouched(account: ChannelAccount, raw: RawItem, event: MessageReceived) -> bool:
    """Whether it is proven that we sent it: it lay in our Sent folder, or the network itself says so."""
    if raw.meta.get("is_sent_folder"):
        return True
    manifest = manifest_of(account.network)
    if manifest is not None and manifest.medium == "mail":
        return any(p.role == "from" and p.is_us and p.verified == "dmarc" for p in event.parties)
    return event.outgoing


def _automatic(event: MessageReceived) -> str:
    """Why it is held back. A mention elsewhere is told by a machine, but somebody waits there: it is not held."""
    if event.spam:
        return "spam"
    return "mention" if event.mention_network and event.automatic == "notification" else event.automatic


def _incoming(account: ChannelAccount, raw: RawItem, event: MessageReceived) -> IncomingMessage:
    outgoing = event.outgoing and _vouched(account, raw, event)
    return IncomingMessage(
        external_id=event.external_id,
        at=max(EARLIEST, min(event.at, now())),
        participants=tuple(
            IncomingParticipant(observed_party(account, p), p.role, p.verified)
            for p in event.parties
            if p.external_id
        ),
        text=event.text,
        subject=event.subject,
        # A bounce has a subject of its own, and belongs to the matter of what bounced.
        subject_key="" if event.bounce_of else str(event.extra.get("subject_key", "")),
        html=event.html,
        outgoing=outgoing,
        from_own_store=outgoing,
        thread_keys=(event.bounce_of, *event.thread_keys) if event.bounce_of else event.thread_keys,
        own_key=event.own_thread_key,
        visibility=event.visibility,
        automatic=_automatic(event),
        quote_at=event.quote_at,
        signature_at=event.signature_at,
        attachments=tuple(_attachment(m) for m in event.media),
        unreadable=event.unreadable,
        language=event.language,
        url=event.url,
        content_warning=event.content_warning,
        in_reply_to=event.in_reply_to,
        authentication=event.authentication,
        extra={k: v for k, v in event.extra.items() if k != "subject_key"}
        | ({"mention_network": event.mention_network} if event.mention_network else {})
        | ({"bounced": list(event.bounced), "bounce_of": event.bounce_of} if event.bounced else {}),
        raw_id=raw.pk,
        folder=str(raw.meta.get("folder", "")),
        uid=str(raw.meta.get("uid", "")),
    )


def _attachment(media: Media) -> IncomingAttachment:
    digest, size = "", media.size
    if media.path:
        # The file stays until the whole batch is stored: a batch that fails is recorded again, item by item.
        with open(os.open(media.path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            digest, size = blobs.put_file(file)
    elif media.content is not None:
        digest, size = blobs.put(media.content)
    return IncomingAttachment(
        file_name=media.file_name,
        content_type=media.content_type,
        size=size,
        digest=digest,
        content_id=media.content_id,
        inline=media.inline,
        alt_text=media.alt_text,
        source_url=media.url,
    )


def _forget_placeholders(raws: Sequence[RawItem]) -> None:
    """An item that was unreadable once and is not any more takes the place of the message that said so."""
    again = [f"unreadable:{raw.digest}" for raw in raws if raw.attempts]
    if again:
        rows = Message.objects.filter(external_id__in=again)
        touched = list(rows.values_list("copies__thread__conversation_id", flat=True))
        rows.delete()
        conversations_refresh([c for c in touched if c])


def _bounces(
    account: ChannelAccount, received: Sequence[MessageReceived], recorded: Sequence[Recorded]
) -> None:
    """A bounce counts only when it names a message that we did send: anyone can write a mail that looks like one."""
    named = [
        event
        for event, row in zip(received, recorded, strict=True)
        if event.bounced and event.bounce_of and row.is_new
    ]
    if not named:
        return
    found = Message.objects.filter(
        network=account.network,
        external_id__in={event.bounce_of for event in named},
        direction=Message.Direction.OUT,
    ).order_by("-id")
    sent = {message.external_id: message for message in found}
    for event in named:
        message = sent.get(event.bounce_of)
        if message is None:
            continue
        recipients = Identity.objects.filter(
            participations__message=message, network=account.network, external_id__in=event.bounced
        )
        if recipients.update(bounced_at=now()):
            message.state = Message.State.FAILED
            message.extra = {**message.extra, "failure": event.text[:500]}
            message.save(update_fields=["state", "extra"])
            _touch([message.pk])
            events.record("message_bounced", [message.pk])


def _other(account: ChannelAccount, event: Event, raw: RawItem) -> None:
    if isinstance(event, MessageEdited):
        _edited(account, event, raw)
    elif isinstance(event, MessageDeleted):
        _deleted(account, event)
    elif isinstance(event, ReactionReceived):
        _reaction(account, event)
    elif isinstance(event, (FollowReceived, ProfileUpdated)):
        identities_observe([observed_party(account, event.party)])
        if isinstance(event, FollowReceived):
            follower = identities_observe([observed_party(account, event.party)])
            events.record("follow_received", [row.id for row in follower.values()])
    elif isinstance(event, DeliveryChanged):
        _delivery(account, event)
    elif isinstance(event, StreamGap):
        ChannelHealth.objects.filter(channel_account=account).update(
            stream_gap_at=event.at, last_error=hide_secrets(event.reason)[:1000]
        )


def _known(account: ChannelAccount, external_id: str) -> list[Message]:
    """Only what this account has seen itself: who writes one feed, or holds the secret of one webhook, chooses ids freely,
    and must not reach with them what came through another.
    """
    seen = Exists(MessageCopy.objects.filter(message=OuterRef("pk"), channel_account=account))
    return list(Message.objects.filter(seen, network=account.network, external_id=external_id))


def _touch(ids: Sequence[uuid.UUID]) -> None:
    search_documents_write(ids)
    messages_refresh(ids)


def _edited(account: ChannelAccount, event: MessageEdited, raw: RawItem) -> None:
    for message in _known(account, event.external_id):
        if message.text == event.text or message.deleted_upstream_at is not None:
            continue
        versions = [*message.extra.get("versions", []), {"at": event.at.isoformat(), "text": message.text}][
            -20:
        ]
        edits = [*message.extra.get("edits", []), str(raw.pk)]  # whose bytes go when the message does
        message.extra = {**message.extra, "versions": versions, "edits": edits}
        message.text, message.html, message.edited_at = event.text, event.html, event.at
        message.save(update_fields=["text", "html", "edited_at", "extra"])
        _touch([message.pk])
        events.record("message_edited", [message.pk])


def _deleted(account: ChannelAccount, event: MessageDeleted) -> None:
    messages_gone(_known(account, event.external_id), at=event.at)


def _reaction(account: ChannelAccount, event: ReactionReceived) -> None:
    observed = observed_party(account, event.party)
    person = identities_observe([observed])[observed.key]
    for message in _known(account, event.on):
        Reaction.objects.get_or_create(message=message, identity_id=person.id, reaction=event.reaction[:30])


def _delivery(account: ChannelAccount, event: DeliveryChanged) -> None:
    states = {
        "delivered": Message.State.DELIVERED,
        "read": Message.State.READ,
        "failed": Message.State.FAILED,
    }
    for message in _known(account, event.external_id):
        if message.direction == Message.Direction.OUT and message.state != Message.State.READ:
            message.state = states[event.state]
            message.save(update_fields=["state"])
            _touch([message.pk])
    if event.state == "failed":
        Delivery.objects.filter(channel_account=account, external_id=event.external_id).update(
            error=event.reason
        )
