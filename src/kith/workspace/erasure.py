"""The erasure of one person: nothing that says who they were, or what they said, stays behind.

What goes and what stays is said by the registry. It is written into the journal of erasures first (`core.erasures`), and
what waits to be sent to them is taken back. Messages go next, in batches, each in a transaction of its own, so that a long
erasure shows how far it is and can go on after an interruption; the person goes last, all at once. What somebody else said
stays theirs: in a message of another person, or to several, only this person's part in it goes.
"""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q

from kith.base.clock import now
from kith.channels.models import Delivery, RawItem
from kith.channels.restored import NOBODY
from kith.contacts.models import Contact, Identity
from kith.contacts.services import erased_note
from kith.contacts.services.erased import address_hash
from kith.conversations.models import (
    Attachment,
    Conversation,
    Draft,
    Message,
    MessageCopy,
    Participant,
    Thread,
)
from kith.conversations.services import conversations_refresh, messages_refresh
from kith.conversations.services.refresh import search_documents_write
from kith.core import audit, erasures, secrets
from kith.core.jobs import defer
from kith.core.registry import Kept, kept
from kith.teams.models import User
from kith.trust.models import Suppression, Touch
from kith.trust.services import suppression_hash
from kith.work.models import Note
from kith.workspace import erasure_traces
from kith.workspace.erasure_traces import ERASED, Words, blobs_sweep, forget, words_of
from kith.workspace.export import export_remove
from kith.workspace.models import PersonRequest
from kith.workspace.person_data import OUTSIDE_ROLES, Person, person_of, rows_of

CHUNK = 200


def erasure_ask(
    *, contact_id: uuid.UUID, user: User, never_again: bool = False, and_backups: bool = False
) -> PersonRequest:
    """Ask for an erasure; a job does it. `never_again`: their addresses are never written to again, by a keyed hash.
    `and_backups`: backups that may hold them are removed at once, as soon as a new one is made."""
    from kith.workspace.jobs import person_request_run

    with transaction.atomic():
        made = PersonRequest.objects.create(
            kind=PersonRequest.Kind.ERASURE, contact_id=contact_id, asked_by=user, never_again=never_again,
            and_backups=and_backups,
        )  # fmt: skip
        audit.record("person_erasure_asked", "contact", contact_id)
        defer(person_request_run, request_id=str(made.pk))
    return made


def backups_ask(request: PersonRequest) -> None:
    """Have the backups that hold them removed, behind a new one; a job does it."""
    from kith.workspace.jobs import backups_renew_run

    defer(backups_renew_run, request_id=str(request.pk))


def erasure_run(request: PersonRequest) -> None:
    """Erase; runs again where it was interrupted."""
    person = person_of(request.contact_id)
    before = erasures.read().of(request.pk)
    entry = _entry(request, person)
    person_erase(request, person, before.joined(entry) if before else entry)


def _entry(request: PersonRequest, person: Person) -> erasures.Entry:
    addresses = _addresses(person)
    never = {suppression_hash(network, address) for network, _realm, address in addresses}
    return erasures.Entry(
        id=request.pk,
        at=now(),
        contacts=frozenset(person.contact_ids),
        identities=frozenset(person.identity_ids),
        addresses=frozenset(map(address_hash, addresses)),
        key=secrets.key_marks()[0],
        house=erasures.house_mark(),
        never=frozenset(never if request.never_again else ()),
    )


def _addresses(person: Person) -> list[tuple[str, str, str]]:
    rows = Identity.objects.filter(pk__in=person.identity_ids).exclude(external_id__startswith=ERASED)
    return list(rows.values_list("network", "realm", "external_id"))


def person_erase(request: PersonRequest, person: Person, entry: erasures.Entry) -> None:
    """The erasure that `entry` tells of, which is in the journal before anything goes. Raises OSError where it can't be."""
    request.journal = erasures.as_plain(entry)
    request.state = "running"
    request.save(update_fields=["journal", "state"])
    erasures.add([entry])
    cancelled = request.report.get("cancelled", 0) + waiting_cancel(person)
    words = words_of(person)
    messages = _messages(person, words)
    request.total = request.done + messages.count() + 1
    request.save(update_fields=["total"])
    gone: Counter[str] = Counter(request.report.get("rows", {}))
    request.report = {"rows": dict(gone), "cancelled": cancelled}
    while chunk := list(messages.values_list("pk", flat=True)[:CHUNK]):
        with transaction.atomic():
            digests = _erase_messages(chunk, words)
            gone["conversations.Message"] += len(chunk)
            request.done += len(chunk)
            request.report = {**request.report, "rows": dict(gone)}
            request.save(update_fields=["done", "report"])
        blobs_sweep(digests)
    with transaction.atomic():
        digests = _erase_person(request, person, words, entry, gone)
    blobs_sweep(digests)
    erasure_traces.noticed_sweep()


def waiting_cancel(person: Person) -> int:
    """What waits to be sent to them, to others beside them too, does not leave any more; returns how many messages.

    What a restore took for interrupted has not been tried since, and is taken back as well.
    """
    waiting = (Message.State.QUEUED, Message.State.SCHEDULED, Message.State.HELD)
    theirs = Participant.objects.filter(
        message_id=OuterRef("pk"), identity__in=person.identity_ids, role__in=OUTSIDE_ROLES
    )
    with transaction.atomic():
        found = Message.objects.filter(Exists(theirs), direction=Message.Direction.OUT, state__in=waiting)
        ids = list(found.values_list("pk", flat=True))
        deliveries = Delivery.objects.filter(message__in=ids).filter(
            Q(state=Delivery.State.QUEUED) | Q(state=Delivery.State.CLAIMED, claimed_by=NOBODY)
        )
        deliveries.update(state=Delivery.State.CANCELLED)
        left = set(
            Delivery.objects.filter(message__in=ids, state=Delivery.State.CLAIMED).values_list(
                "message_id", flat=True
            )
        )
        ids = [key for key in ids if key not in left]
        Message.objects.filter(pk__in=ids).update(state=Message.State.CANCELLED)
        Touch.objects.filter(
            Q(identity__in=person.identity_ids) | Q(contact__in=person.contact_ids) | Q(subject_id__in=ids),
            state__in=(Touch.State.ALLOWED, Touch.State.HELD),
        ).update(state=Touch.State.CANCELLED)
        messages_refresh(ids)
    return len(ids)


def _messages(person: Person, words: Words) -> models.QuerySet[Message]:
    """From them; from us, to nobody else outside; and what machines said of them: bounces, what could not be read."""
    others = (
        Participant.objects.filter(message_id=OuterRef("pk"), role__in=OUTSIDE_ROLES)
        .exclude(identity__in=person.identity_ids)
        .exclude(identity__kind=Identity.Kind.US)
    )
    theirs = Participant.objects.filter(message_id=OuterRef("pk"), identity__in=person.identity_ids)
    about = Q()
    for address in words.addresses:
        about |= Q(extra__bounced=[address])
        about |= ~Q(unreadable="") & Q(sender=None) & Q(text__icontains=address)
    return Message.objects.filter(
        Q(sender__in=person.identity_ids) | (~Q(direction="in") & Exists(theirs) & ~Exists(others)) | about
    ).order_by("pk")


def _erase_messages(ids: list[uuid.UUID], words: Words) -> set[str]:
    """Messages with their raw bytes, copies, files and search documents; returns digests that may be nobody's now."""
    digests = set(Attachment.objects.filter(message__in=ids).values_list("digest", flat=True))
    raws = list(Message.objects.filter(pk__in=ids).exclude(raw_id=None).values_list("raw_id", flat=True))
    digests |= _blank_raws(raws)
    talks = set(MessageCopy.objects.filter(message__in=ids).values_list("thread__conversation_id", flat=True))
    files = list(Attachment.objects.filter(message__in=ids).values_list("pk", flat=True))
    Message.objects.filter(pk__in=ids).delete()
    digests |= forget([*ids, *files, *raws], words)
    return digests | _tidy(talks, words)


def _blank_raws(ids: list[Any]) -> set[str]:
    """The rows stay, so that a mailbox which is read again does not bring the same item back; the bytes go."""
    rows = RawItem.objects.filter(pk__in=ids)
    digests = set(rows.filter(body=None).values_list("digest", flat=True))
    rows.update(body=None, meta={}, error="", size=0)
    return digests


def _tidy(conversation_ids: set[uuid.UUID], words: Words) -> set[str]:
    """Threads without a message go, and conversations without a thread; those of others are no longer with this person."""
    empty = Thread.objects.filter(conversation__in=conversation_ids).exclude(
        Exists(MessageCopy.objects.filter(thread_id=OuterRef("pk")))
    )
    empty.delete()
    alone = list(
        Conversation.objects.filter(pk__in=conversation_ids, threads=None).values_list("pk", flat=True)
    )
    for joined in Conversation.objects.filter(joined_into__in=alone):
        alone.append(joined.pk)
    digests = erasure_traces.files_of_drafts(Draft.objects.filter(conversation__in=alone))
    Conversation.objects.filter(pk__in=alone).delete()
    digests |= forget(alone, words)
    conversations_refresh(sorted(conversation_ids - set(alone)))
    return digests


def _erase_person(
    request: PersonRequest, person: Person, words: Words, entry: erasures.Entry, gone: Counter[str]
) -> set[str]:
    digests = set(Note.objects.filter(contact__in=person.contact_ids).values_list("photo", flat=True))
    digests |= set(Identity.objects.filter(pk__in=person.identity_ids).values_list("avatar", flat=True))
    digests |= set(Contact.objects.filter(pk__in=person.contact_ids).values_list("avatar", flat=True))
    addresses = _addresses(person)
    erased_note(entry.addresses | {address_hash(key) for key in addresses}, at=entry.at, erasure_id=entry.id)
    never = {suppression_hash(network, address) for network, _realm, address in addresses}
    for key_hash in entry.never | (never if request.never_again else set()):
        _row, made = Suppression.objects.get_or_create(
            key_hash=key_hash, channel="all", lifted_at=None, defaults={"reason": "erased"}
        )
        if made:
            audit.record("suppression_added", "suppression", None, channel="all")
    # In what others wrote, only the part goes that this person had in it; and the bytes, which show it.
    parts = Participant.objects.filter(identity__in=person.identity_ids)
    digests |= _blank_raws(
        list(parts.exclude(message__raw_id=None).values_list("message__raw_id", flat=True))
    )
    others = list(parts.values_list("message_id", flat=True).distinct())
    _leave_to_others(person)
    ids: list[uuid.UUID] = [*person.contact_ids, *person.identity_ids]
    # Before anything goes, for one row may be found by another. Messages of theirs are gone; the rest is somebody else's.
    plans = [
        (label, row, list(rows_of(person, row).values_list("pk", flat=True)))
        for label, row in kept().items()
        if label not in ("conversations.Message", "conversations.Attachment")
    ]
    for key in person.identity_ids:  # first: the words by which names are searched are made of it
        Identity.objects.filter(pk=key).update(
            external_id=f"{ERASED}{key}", blocked_by=None, last_seen_at=None
        )
    last = ("contacts.Identity", "contacts.Contact")
    for label, row, keys in sorted(plans, key=lambda plan: plan[0] in last):
        ids += [key for key in keys if isinstance(key, uuid.UUID)]
        gone[label] += _treat(row, keys)
    Identity.objects.filter(Q(pk__in=person.identity_ids) | Q(contact__in=person.contact_ids)).update(
        contact=None
    )
    search_documents_write(others)
    Contact.objects.filter(pk__in=person.contact_ids).update(
        deleted_at=now(), owner=None, last_touch_at=None, last_inbound_at=None
    )
    digests |= forget(ids, words, last=True)
    for export in PersonRequest.objects.filter(
        contact_id__in=person.contact_ids, kind=PersonRequest.Kind.EXPORT
    ).exclude(digest=""):
        export_remove(export)
    request.state, request.done, request.finished_at = "done", request.total, now()
    request.report = {
        **request.report,
        "rows": {label: number for label, number in gone.items() if number},
        "others": len(others),
        "hashes": len(entry.addresses),
        "never": len(entry.never),
    }
    request.save(update_fields=["state", "done", "finished_at", "report"])
    if request.again_at is None:
        audit.record("person_erased", "contact", request.contact_id, rows=sum(gone.values()))
    else:
        audit.record("person_erased_again", "contact", request.contact_id, rows=sum(gone.values()))
    if request.and_backups:
        backups_ask(request)
    return digests


def _leave_to_others(person: Person) -> None:
    """Conversations and threads in which somebody else has their say stay, and are with that somebody."""
    Thread.objects.filter(identity__in=person.identity_ids).update(identity=None)
    talks = Conversation.objects.filter(identity__in=person.identity_ids, threads__isnull=False).distinct()
    for talk in talks:
        first = (
            Message.objects.filter(copies__thread__conversation=talk, direction="in")
            .exclude(sender__in=person.identity_ids)
            .order_by("at")
            .first()
        )
        Conversation.objects.filter(pk=talk.pk).update(identity=first.sender_id if first else None)
    conversations_refresh(talk.pk for talk in talks)


def _treat(row: Kept, keys: list[Any]) -> int:
    """What the registry says of one model: delete, blank, unlink or keep. Returns how many rows."""
    mine = row.model._default_manager.filter(pk__in=keys)
    if row.erase == "delete":
        mine.delete()
    elif row.erase == "blank":
        mine.update(**{name: _blank(row.model, name) for name in row.fields if name != "external_id"})
    elif row.erase == "unlink":
        heads = row.fields or (row.path.split("__")[0],)
        mine.update(**{name: _blank(row.model, name) for name in heads})
    return len(keys)


def _blank(model: type[models.Model], name: str) -> Any:
    field = model._meta.get_field(name)
    if isinstance(field, models.Field) and field.null:
        return None
    return field.get_default() if isinstance(field, models.Field) and field.has_default() else ""
