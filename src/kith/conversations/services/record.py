"""Records what came in: one transaction a batch, a fixed number of statements whatever its size."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

from django.db import connection, transaction

from kith.base.clock import now
from kith.base.ids import new_id
from kith.base.text import clean, clean_fields
from kith.contacts.services import identities_observe
from kith.contacts.types import IdentityKey, KnownIdentity
from kith.conversations.models import Attachment, Conversation, Message, MessageCopy, Participant
from kith.conversations.services import threads
from kith.conversations.services.refresh import conversations_refresh, search_documents_write
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place, Recorded
from kith.core import events, rows
from kith.trust.services import situations_note_inbound

OUTSIDE_ROLES = ("from", "sender", "to", "cc", "member", "mentioned")


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
        conversations_refresh({r.conversation_id for r in result})
        search_documents_write(batch.search_ids)
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
    found: dict[tuple[str, str], uuid.UUID] = {}
    rows = Message.objects.filter(network=place.network, external_id__in=ids).values_list(
        "external_id", "content_hash", "id"
    )
    # What we wrote ourselves has no hash: the copy in our Sent folder is the same message, however servers changed it.
    for external_id, digest, key in rows:
        found[external_id, digest] = key
    return found


class _Batch:
    """Collects the rows of a batch, then writes them with one statement a table."""

    def __init__(
        self, place: Place, people: dict[IdentityKey, KnownIdentity], known: dict[tuple[str, str], uuid.UUID]
    ) -> None:
        self.place, self.people, self.known = place, people, known
        self.messages: list[Message] = []
        self.copies: dict[tuple[object, ...], MessageCopy] = {}
        self.participants: dict[tuple[object, ...], Participant] = {}
        self.attachments: list[Attachment] = []
        self.search_ids: list[uuid.UUID] = []
        self.live_in: set[uuid.UUID] = set()
        self.live_out: set[uuid.UUID] = set()
        self.inbound: list[tuple[uuid.UUID, object, bool, bool]] = []

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
        copy = MessageCopy(
            message_id=key,
            thread_id=thread.id,
            scope_id=self.place.scope_id,
            channel_account_id=self.place.channel_account_id,
            folder=message.folder[:300],
            uid=message.uid[:200],
            at=message.at,
        )
        self.copies.setdefault((key, thread.id, copy.folder, copy.uid), copy)
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
        self.messages.append(
            Message(
                id=key,
                network=self.place.network,
                external_id=external_id,
                content_hash=digest,
                direction=Message.Direction.OUT if message.outgoing else Message.Direction.IN,
                state=Message.State.SENT if message.outgoing else Message.State.RECEIVED,
                at=message.at,
                received_at=now(),
                sender_id=sender_row.id if sender_row else None,
                subject=clean(message.subject)[:1000],
                text=clean(message.text),
                html=clean(message.html),
                quote_at=message.quote_at,
                signature_at=message.signature_at,
                visibility=message.visibility,
                automatic=automatic,
                unreadable=clean(message.unreadable)[:300],
                language=message.language[:12],
                url=message.url[:2000],
                content_warning=clean(message.content_warning)[:500],
                in_reply_to=clean(message.in_reply_to)[:1000],
                authentication=dict(message.authentication),
                extra=dict(message.extra),
                raw_id=message.raw_id,
                history=history,
            )
        )
        if sender and sender_row and not message.outgoing:
            proven = sender.verified not in ("none", "failed")
            self.inbound.append((sender_row.id, message.at, bool(message.automatic), proven))
        for person in message.participants:
            self._participant(key, message, person)
        self.attachments.extend(
            Attachment(
                message_id=key,
                digest=a.digest,
                file_name=clean(a.file_name)[:300],
                content_type=clean(a.content_type)[:150],
                size=a.size,
                content_id=clean(a.content_id)[:300],
                inline=a.inline,
                alt_text=clean(a.alt_text),
                source_url=a.source_url[:2000],
            )
            for a in message.attachments
        )

    def _participant(self, key: uuid.UUID, message: IncomingMessage, person: IncomingParticipant) -> None:
        row = self.people.get(person.identity.key)
        if row is not None:
            found = Participant(
                message_id=key,
                identity_id=row.id,
                role=person.role,
                verified=person.verified,
                display_name=clean(person.identity.display_name)[:300],
                at=message.at,
            )
            self.participants.setdefault((key, row.id, person.role), found)

    def store(self) -> None:
        rows.insert(self.messages)
        rows.insert(list(self.participants.values()))
        rows.insert(self.attachments)
        self._store_copies()

    def _store_copies(self) -> None:
        taken = set(
            MessageCopy.objects.filter(
                message_id__in={c.message_id for c in self.copies.values()}, first_in_thread=True
            ).values_list("message_id", "thread_id")
        )
        for copy in self.copies.values():
            copy.first_in_thread = (copy.message_id, copy.thread_id) not in taken
            taken.add((copy.message_id, copy.thread_id))
        new = {message.id for message in self.messages}  # nobody else has a copy of these
        rows.insert([copy for copy in self.copies.values() if copy.message_id in new])
        again = [copy for copy in self.copies.values() if copy.message_id not in new]
        MessageCopy.objects.bulk_create(again, ignore_conflicts=True)


def _wake(place: Place, result: Sequence[Recorded], batch: _Batch) -> None:
    """A new message from outside opens its conversation again, however it was put away; the gate hears who wrote."""
    situations_note_inbound(batch.inbound)
    if batch.live_in:
        Conversation.objects.filter(pk__in=batch.live_in).exclude(status=Conversation.Status.OPEN).update(
            status=Conversation.Status.OPEN, snoozed_until=None, closed_at=None
        )
