"""The erasure of one person: nothing that says who they were, or what they said, stays behind.

What goes and what stays is said by the registry. Messages go first, in batches, each in a transaction of its own, so that a
long erasure shows how far it is and can go on after an interruption; the person goes last, all at once. What somebody else
said stays theirs: in a message of another person, or to several, only this person's part in it goes.
"""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q

from kith.base.clock import now
from kith.channels.models import RawItem
from kith.contacts.models import Contact, Identity
from kith.conversations.models import (
    Attachment,
    Conversation,
    Draft,
    Message,
    MessageCopy,
    Participant,
    Thread,
)
from kith.conversations.services import conversations_refresh
from kith.conversations.services.refresh import search_documents_write
from kith.core import audit, blobs
from kith.core.jobs import defer
from kith.core.models import AuditEvent, EventDelivery
from kith.core.registry import Kept, erased, kept
from kith.core.sweep import unnamed
from kith.teams.models import Notification, User
from kith.trust.services import suppression_add
from kith.work.models import Note
from kith.workspace.export import export_remove
from kith.workspace.models import Import, ImportedRow, PersonRequest
from kith.workspace.person_data import OUTSIDE_ROLES, Person, person_of, rows_of

CHUNK = 200
SHORTEST_WORD = 4


def erasure_ask(*, contact_id: uuid.UUID, user: User, never_again: bool = False) -> PersonRequest:
    """Ask for an erasure; a job does it. `never_again`: their addresses are never written to again, by a keyed hash."""
    from kith.workspace.jobs import person_request_run

    with transaction.atomic():
        made = PersonRequest.objects.create(
            kind=PersonRequest.Kind.ERASURE, contact_id=contact_id, asked_by=user, never_again=never_again
        )
        audit.record("person_erasure_asked", "contact", contact_id)
        defer(person_request_run, request_id=str(made.pk))
    return made


def erasure_run(request: PersonRequest) -> None:
    """Erase; runs again where it was interrupted."""
    person = person_of(request.contact_id)
    words = _words(person)
    messages = _messages(person)
    request.total, request.state = request.done + messages.count() + 1, "running"
    request.save(update_fields=["total", "state"])
    gone: Counter[str] = Counter(request.report.get("rows", {}))
    while chunk := list(messages.values_list("pk", flat=True)[:CHUNK]):
        with transaction.atomic():
            digests = _erase_messages(chunk, words)
            gone["conversations.Message"] += len(chunk)
            request.done += len(chunk)
            request.report = {"rows": dict(gone)}
            request.save(update_fields=["done", "report"])
        _sweep_blobs(digests)
    with transaction.atomic():
        digests = _erase_person(request, person, words, gone)
    _sweep_blobs(digests)


def _words(person: Person) -> list[str]:
    """What must not be found again: addresses, handles and names, the longest first."""
    found: set[str] = set()
    for row in Identity.objects.filter(pk__in=person.identity_ids):
        found |= {row.external_id, row.handle, row.display_name}
        found |= {h for pair in row.handles.values_list("handle", "display_name") for h in pair}
    for contact in Contact.objects.filter(pk__in=person.contact_ids):
        found |= {contact.name, f"{contact.given_name} {contact.family_name}".strip()}
    return sorted((w for w in found if len(w) >= SHORTEST_WORD), key=len, reverse=True)


def _messages(person: Person) -> models.QuerySet[Message]:
    """From them; and from us, to nobody else outside."""
    others = (
        Participant.objects.filter(message_id=OuterRef("pk"), role__in=OUTSIDE_ROLES)
        .exclude(identity__in=person.identity_ids)
        .exclude(identity__kind=Identity.Kind.US)
    )
    theirs = Participant.objects.filter(message_id=OuterRef("pk"), identity__in=person.identity_ids)
    return Message.objects.filter(
        Q(sender__in=person.identity_ids) | (~Q(direction="in") & Exists(theirs) & ~Exists(others))
    ).order_by("pk")


def _erase_messages(ids: list[uuid.UUID], words: list[str]) -> set[str]:
    """Messages with their raw bytes, copies, files and search documents; returns digests that may be nobody's now."""
    digests = set(Attachment.objects.filter(message__in=ids).values_list("digest", flat=True))
    raws = list(Message.objects.filter(pk__in=ids).exclude(raw_id=None).values_list("raw_id", flat=True))
    digests |= _blank_raws(raws)
    talks = set(MessageCopy.objects.filter(message__in=ids).values_list("thread__conversation_id", flat=True))
    files = list(Attachment.objects.filter(message__in=ids).values_list("pk", flat=True))
    Message.objects.filter(pk__in=ids).delete()
    _forget([*ids, *files, *raws], words)
    _tidy(talks, words)
    return digests


def _blank_raws(ids: list[Any]) -> set[str]:
    """The rows stay, so that a mailbox which is read again does not bring the same item back; the bytes go."""
    rows = RawItem.objects.filter(pk__in=ids)
    digests = set(rows.filter(body=None).values_list("digest", flat=True))
    rows.update(body=None, meta={}, error="", size=0)
    return digests


def _tidy(conversation_ids: set[uuid.UUID], words: list[str]) -> None:
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
    Conversation.objects.filter(pk__in=alone).delete()
    _forget(alone, words)
    conversations_refresh(sorted(conversation_ids - set(alone)))


def _erase_person(request: PersonRequest, person: Person, words: list[str], gone: Counter[str]) -> set[str]:
    digests = set(Note.objects.filter(contact__in=person.contact_ids).values_list("photo", flat=True))
    digests |= set(Identity.objects.filter(pk__in=person.identity_ids).values_list("avatar", flat=True))
    digests |= set(Contact.objects.filter(pk__in=person.contact_ids).values_list("avatar", flat=True))
    if request.never_again:
        for network, address in Identity.objects.filter(pk__in=person.identity_ids).values_list(
            "network", "external_id"
        ):
            suppression_add(network=network, address=address, reason="erased")
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
            external_id=f"erased:{key}", blocked_by=None, last_seen_at=None
        )
    last = ("contacts.Identity", "contacts.Contact")
    for label, row, keys in sorted(plans, key=lambda plan: plan[0] in last):
        ids += [key for key in keys if isinstance(key, uuid.UUID)]
        gone[label] += _treat(row, keys)
    Identity.objects.filter(pk__in=person.identity_ids).update(contact=None)
    search_documents_write(others)
    Contact.objects.filter(pk__in=person.contact_ids).update(
        deleted_at=now(), owner=None, last_touch_at=None, last_inbound_at=None
    )
    _forget(ids, words)
    for export in PersonRequest.objects.filter(
        contact_id__in=person.contact_ids, kind=PersonRequest.Kind.EXPORT
    ).exclude(digest=""):
        export_remove(export)
    request.state, request.done, request.finished_at = "done", request.total, now()
    request.report = {"rows": {label: number for label, number in gone.items() if number}}
    request.save(update_fields=["state", "done", "finished_at", "report"])
    audit.record("person_erased", "contact", request.contact_id, rows=sum(gone.values()))
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


def _forget(ids: list[Any], words: list[str]) -> None:
    """What stands outside of the registry: news under way, notifications, the words of the audit log, drafts to nobody's
    conversation, what an import showed. The audit log keeps who did what, and when."""
    AuditEvent.objects.filter(subject_id__in=ids).exclude(details={}).update(details={})
    EventDelivery.objects.filter(subject_id__in=ids).delete()
    Notification.objects.filter(subject_id__in=ids).delete()
    imports = ImportedRow.objects.filter(object_id__in=ids)
    Import.objects.filter(pk__in=imports.values("batch")).update(examples=[], found={}, problems=[])
    for word in words:
        Notification.objects.filter(Q(title__icontains=word) | Q(body__icontains=word)).delete()
        Draft.objects.filter(conversation=None).annotate(
            who=models.functions.Cast(F("recipients"), models.TextField())
        ).filter(who__icontains=word).delete()
        Import.objects.annotate(shown=models.functions.Cast(F("examples"), models.TextField())).filter(
            shown__icontains=word
        ).update(examples=[], found={}, problems=[])
    erased(ids, words)


def _sweep_blobs(digests: set[str]) -> None:
    """Remove what nobody names any more; after the commit, so that a name never points to nothing."""
    for digest in unnamed(sorted(digests - {""})):
        blobs.remove(digest)
