"""Records what came in: one transaction a batch, a fixed number of statements whatever its size."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from kith.base.clock import now
from kith.base.ids import new_id
from kith.base.text import clean, clean_fields
from kith.contacts.services import identities_observe
from kith.contacts.types import IdentityKey, KnownIdentity
from kith.conversations.models import Attachment, Conversation, Message, MessageCopy, Participant
from kith.conversations.services import threads
from kith.conversations.services.complaints import complaints_follow
from kith.conversations.services.refresh import Words, conversations_refresh, search_documents_write
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place, Recorded
from kith.core import events, rows, sql
from kith.networks.selectors import manifest_of
from kith.trust.services import channel_of, situations_note_inbound

OUTSIDE_ROLES = ("from", "sender", "to", "cc", "member", "mentioned")
_KNOWN = """
SELECT external_id, content_hash, id FROM conversations_message
WHERE network = %(network)s AND external_id = ANY (%(ids)s::text[])
"""


def content_hash(message: IncomingMessage) -> str:
    """What makes two messages with one Message-ID the same: sender, subject and text, not how they travelled."""
    sender = next((p.identity.external_id for p in message.participants if p.role == "from"), "")
    parts = (sender, clean(message.subject).strip(), " ".join(clean(message.text).split()))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def messages_record(place: Place, messages: Sequence[IncomingMessage]) -> list[Recorded]:
    """Record a batch seen by one channel account. Idempotent; returns one `Recorded` for each message, in order."""
    if not messages:
        return []
    messages = [clean_fields(message) for message in messages]
    with transaction.atomic():
        _one_at_a_time(place)
        people = identities_observe((p.identity for m in messages for p in m.participants), at=now())
        outsiders = [_outsider(m, people) for m in messages]
        known = _known(place, messages)
        filing = threads.load(place, messages, [o[0] for o in outsiders])
        batch = _Batch(place, people, known)
        result = []
        for message, (outsider, alone) in zip(messages, outsiders, strict=True):
            thread = threads.file(filing, message, outsider, alone=alone)
            result.append(batch.add(message, thread))
        threads.store(filing)
        batch.store()
        _wake(place, result, batch)
        conversations_refresh({r.conversation_id for r in result}, grown=True)
        search_documents_write(batch.search_ids, batch.words)
        events.record("message_recorded", [r.message_id for r in result if r.is_new])
    return result


def _one_at_a_time(place: Place) -> None:
    """Two workers with mails of one scope would each found a conversation for the same person."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"record:{place.scope_id}"])


def _outsider(
    message: IncomingMessage, people: dict[IdentityKey, KnownIdentity]
) -> tuple[uuid.UUID | None, bool]:
    """The person outside whom a message is with, and whether they are the only one."""
    outside = [p for p in message.participants if p.identity.kind != "us" and p.role in OUTSIDE_ROLES]
    distinct = {p.identity.key for p in outside if p.role != "mentioned"}
    wanted = ("to", "member", "cc") if message.outgoing else ("from", "sender", "member", "to", "cc")
    for role in wanted:
        for person in outside:
            if person.role == role and person.identity.key in people:
                return people[person.identity.key].id, len(distinct) <= 1
    return None, False


def _known(place: Place, messages: Sequence[IncomingMessage]) -> dict[tuple[str, str], uuid.UUID]:
    """Messages that are stored already, by (external id, content hash); ("id", "") for one that we sent ourselves."""
    ids = list({clean(m.external_id)[:1000] for m in messages})
    # What we wrote ourselves has no hash: the copy in our Sent folder is the same message, however servers changed it.
    return {
        (external_id, digest): key
        for external_id, digest, key in sql.prepared(_KNOWN, {"network": place.network, "ids": ids})
    }


_MESSAGE = (
    "id", "created_at", "network", "external_id", "content_hash", "direction", "state", "at", "received_at", "sender_id",
    "author_id", "subject", "text", "html", "quote_at", "signature_at", "visibility", "automatic", "unreadable",
    "language", "url", "content_warning", "in_reply_to", "authentication", "extra", "raw_id", "edited_at",
    "deleted_upstream_at", "history", "mentions", "labels",
)  # fmt: skip
_PARTICIPANT = ("message_id", "identity_id", "role", "verified", "display_name", "at")
_COPY = (
    "message_id", "thread_id", "scope_id", "channel_account_id", "folder", "uid", "at", "first_in_thread",
)  # fmt: skip
_ATTACHMENT = (
    "id", "created_at", "message_id", "digest", "file_name", "content_type", "size", "content_id", "inline", "alt_text",
    "source_url",
)  # fmt: skip


class _Batch:
    """Collects the rows of a batch, then writes them with one statement a table."""

    def __init__(
        self, place: Place, people: dict[IdentityKey, KnownIdentity], known: dict[tuple[str, str], uuid.UUID]
    ) -> None:
        self.place, self.people, self.known, self.now = place, people, known, now()
        self.messages: dict[uuid.UUID, tuple[Any, ...]] = {}
        self.copies: dict[tuple[uuid.UUID, uuid.UUID, str, str], datetime] = {}
        self.participants: dict[tuple[uuid.UUID, uuid.UUID, str], tuple[Any, ...]] = {}
        self.attachments: list[tuple[Any, ...]] = []
        self.search_ids: list[uuid.UUID] = []
        self.words: dict[uuid.UUID, Words] = {}
        self.live_in: set[uuid.UUID] = set()
        self.live_out: set[uuid.UUID] = set()
        self.inbound: list[tuple[uuid.UUID, object, bool, bool, str]] = []
        manifest = manifest_of(place.network)
        self.medium = manifest.medium if manifest else ""

    def add(self, message: IncomingMessage, thread: threads.FiledThread) -> Recorded:
        external_id, digest = clean(message.external_id)[:1000], content_hash(message)
        history = self.place.history_until is not None and message.at < self.place.history_until
        key = self.known.get((external_id, digest))
        if key is None and message.from_own_store:
            key = self.known.get((external_id, ""))
        is_new = key is None
        if key is None:
            key = new_id()
            self.known[external_id, digest] = key
            self._message(key, external_id, digest, message, history=history)
            if not history and message.automatic in ("", "mention"):
                (self.live_out if message.outgoing else self.live_in).add(thread.conversation_id)
        self.copies.setdefault((key, thread.id, message.folder[:300], message.uid[:200]), message.at)
        self.search_ids.append(key)
        return Recorded(key, thread.conversation_id, thread.id, is_new, history)

    def _message(
        self, key: uuid.UUID, external_id: str, digest: str, message: IncomingMessage, *, history: bool
    ) -> None:
        sender = next((p for p in message.participants if p.role == "from"), None)
        sender_row = self.people.get(sender.identity.key) if sender else None
        automatic = message.automatic
        if sender_row is not None and sender_row.blocked_at is not None and not message.outgoing:
            automatic = "blocked"
        subject, text = clean(message.subject)[:1000], clean(message.text)
        self.words[key] = Words.of(subject, text)
        self.messages[key] = (
            key,
            self.now,
            self.place.network,
            external_id,
            digest,
            "out" if message.outgoing else "in",
            "sent" if message.outgoing else "received",
            message.at,
            self.now,
            sender_row.id if sender_row else None,
            None,
            subject,
            text,
            clean(message.html),
            message.quote_at,
            message.signature_at,
            message.visibility,
            automatic,
            clean(message.unreadable)[:300],
            message.language[:12],
            message.url[:2000],
            clean(message.content_warning)[:500],
            clean(message.in_reply_to)[:1000],
            dict(message.authentication),
            dict(message.extra),
            message.raw_id,
            None,
            None,
            history,
            [],
            [],
        )
        if sender and sender_row and not message.outgoing:
            proven = sender.verified not in ("none", "failed")
            channel = channel_of(self.medium, visibility=message.visibility)
            self.inbound.append((sender_row.id, message.at, bool(message.automatic), proven, channel))
        for person in message.participants:
            self._participant(key, message, person)
        self.attachments.extend(
            (
                new_id(),
                self.now,
                key,
                a.digest,
                clean(a.file_name)[:300],
                clean(a.content_type)[:150],
                a.size,
                clean(a.content_id)[:300],
                a.inline,
                clean(a.alt_text),
                a.source_url[:2000],
            )
            for a in message.attachments
        )

    def _participant(self, key: uuid.UUID, message: IncomingMessage, person: IncomingParticipant) -> None:
        row = self.people.get(person.identity.key)
        if row is not None:
            self.participants.setdefault(
                (key, row.id, person.role),
                (key, row.id, person.role, person.verified, clean(person.identity.display_name)[:300], message.at),
            )  # fmt: skip

    def store(self) -> None:
        rows.copy(Message, _MESSAGE, self.messages.values())
        rows.copy(Participant, _PARTICIPANT, self.participants.values())
        rows.copy(Attachment, _ATTACHMENT, self.attachments)
        self._store_copies()

    def _store_copies(self) -> None:
        again = {key[0] for key in self.copies if key[0] not in self.messages}
        first = MessageCopy.objects.filter(message_id__in=again, first_in_thread=True)
        taken = set(first.values_list("message_id", "thread_id")) if again else set()
        new = []
        known = []
        for (message_id, thread_id, folder, uid), at in self.copies.items():
            place = self.place.scope_id, self.place.channel_account_id
            row = (message_id, thread_id, *place, folder, uid, at, (message_id, thread_id) not in taken)
            taken.add((message_id, thread_id))
            if message_id in self.messages:  # nobody else has a copy of it
                new.append(row)
            else:
                known.append(MessageCopy(**dict(zip(_COPY, row, strict=True))))
        rows.copy(MessageCopy, _COPY, new)
        MessageCopy.objects.bulk_create(known, ignore_conflicts=True)


def _wake(place: Place, result: Sequence[Recorded], batch: _Batch) -> None:
    """A new message from outside opens its conversation again, however it was put away; the gate hears who wrote."""
    situations_note_inbound(batch.inbound)
    if batch.live_in:
        put_away = Conversation.objects.filter(pk__in=batch.live_in).exclude(status=Conversation.Status.OPEN)
        if put_away.update(status=Conversation.Status.OPEN, snoozed_until=None, closed_at=None):
            complaints_follow(batch.live_in)
