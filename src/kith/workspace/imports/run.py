"""Runs an import and takes one back."""

from __future__ import annotations

import email.message
import email.parser
import email.utils
import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.text import clean
from kith.channels.intake import Parser, mail_account_for_imports, mail_network, mails_store_and_parse
from kith.channels.models import RawItem
from kith.contacts.models import (
    Affiliation,
    Contact,
    ContactTag,
    Fact,
    Identity,
    IdentityLink,
    Organization,
    Tag,
)
from kith.contacts.services import contact_project, erased_among
from kith.contacts.types import IdentityKey
from kith.conversations.models import Message, MessageCopy
from kith.conversations.services import conversations_refresh
from kith.core import audit
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.workspace.imports import files, people
from kith.workspace.models import Import, ImportedRow

T = TypeVar("T")
BATCH = 200
UNDO_DAYS = 30
Progress = Callable[["ImportResult"], None]


class ImportRefused(ValueError):
    """Why an import can't be run or taken back, in words."""


@dataclass(slots=True)
class ImportResult:
    """`visible`: a person with the scope finds it. `unreadable` ones are visible too, as messages that say so."""

    read: int = 0
    visible: int = 0
    unreadable: int = 0
    skipped: int = 0
    updated: int = 0
    erased: int = 0  # people (mails, of a file of mail) who asked to be erased, and were not brought back
    import_id: uuid.UUID | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)  # number of the line, card or mail, and why

    def counts(self) -> dict[str, int]:
        return {k: v for k, v in asdict(self).items() if k in ("read", "visible", "unreadable", "skipped")}


def _batches(source: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(source, size)):
        yield batch


def import_run(
    kind: str,
    path: Path,
    *,
    dry_run: bool = False,
    user: User | None = None,
    account: ChannelAccount | None = None,
    mapping: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    record: Import | None = None,
) -> ImportResult:
    """Import a file or folder. Running it twice doubles nothing. Raises ImportRefused.

    `record`: what a screen has begun; one is made otherwise. It says what came in before a file turned out to be broken.
    """
    if kind not in {*files.MAIL_KINDS, *files.PEOPLE_KINDS}:
        raise ImportRefused(_("%r can't be imported; mbox, maildir, eml, vcard and csv can.") % kind)
    ours = None
    if record is None and not dry_run:
        record = ours = Import.objects.create(kind=kind, source=str(path)[:500], started_by=user)
    try:
        if kind in files.MAIL_KINDS:
            return _mail(kind, path, dry_run, user, account, progress, record)
        return _people(kind, path, dry_run, user, mapping, progress, record)
    except files.FileRefused as error:
        if ours is not None:
            _broken_off(ours, str(error))
        raise ImportRefused(str(error)) from error


def _broken_off(record: Import, why: str) -> None:
    """What came in stays, and can be taken back; of what brought nothing nothing is left."""
    if record.visible:
        Import.objects.filter(pk=record.pk).update(state="failed", error=why[:300])
    else:
        record.delete()


def _mail(
    kind: str,
    path: Path,
    dry_run: bool,
    user: User | None,
    account: ChannelAccount | None,
    progress: Progress | None,
    record: Import | None,
) -> ImportResult:
    result = ImportResult()
    if dry_run:
        return _mail_dry(kind, path, user, account, progress)
    assert record is not None
    result.import_id = record.pk
    target = account or mail_account_for_imports(user)
    with Parser() as parser:
        for batch in _batches(files.mails(kind, path), BATCH):
            stored = mails_store_and_parse(
                target, batch, parser=parser, tag=str(record.pk), first=result.read
            )
            result.read += len(batch)
            result.visible += stored.visible
            result.unreadable += stored.unreadable
            result.skipped += stored.skipped
            result.erased += stored.erased
            _note(record, result)
            if progress:
                progress(result)
    _finish(record, result)
    return result


def _mail_dry(
    kind: str, path: Path, user: User | None, account: ChannelAccount | None, progress: Progress | None
) -> ImportResult:
    """What would be new, what is there already, and what can't be read; nothing is written."""
    result, seen = ImportResult(), set()
    there: set[str] = set()
    for batch in _batches(files.mails(kind, path), BATCH):
        names = [f"file:{hashlib.sha256(body).hexdigest()}" for body in batch]
        rows = RawItem.objects.filter(external_id__in=names)
        rows = rows.filter(channel_account=account) if account else rows
        there = set(rows.values_list("external_id", flat=True))
        heads = [email.parser.BytesHeaderParser().parsebytes(body[:65536]) for body in batch]
        senders = [_senders(head) for head in heads]
        erased = erased_among({key for keys in senders for key in keys})
        for head, keys, name in zip(heads, senders, names, strict=True):
            result.read += 1
            if name in seen or name in there:
                result.skipped += 1
                continue
            seen.add(name)
            if any(key in erased for key in keys):
                result.erased += 1
            elif not head.keys():
                result.unreadable += 1
                result.problems.append(
                    (result.read, _("no mail: it has no header; it would be shown as unreadable"))
                )
            elif len(result.examples) < 5:
                result.examples.append(
                    {n: clean(str(head.get(n, "")))[:200] for n in ("From", "Subject", "Date")}
                )
        if progress:
            progress(result)
    result.visible = result.read - result.skipped - result.erased
    return result


def _senders(head: email.message.Message) -> set[IdentityKey]:
    written = [str(value) for value in head.get_all("From", [])]
    return {
        (mail_network(), "", address.lower()) for _, address in email.utils.getaddresses(written) if address
    }


def _people(
    kind: str, path: Path, dry_run: bool, user: User | None, mapping: Mapping[str, str] | None,
    progress: Progress | None, record: Import | None,
) -> ImportResult:  # fmt: skip
    result, plan = ImportResult(), people.Plan()
    begin = 2 if kind == "csv" else 1  # a CSV's first line names its columns
    if kind == "csv":
        first = next(files.csv_rows(path), None)
        result.mapping = dict(mapping or people.guess_mapping(first or {}))
    found = people.people(kind, path, result.mapping or None)
    if record is not None:
        record.mapping, result.import_id = result.mapping, record.pk
    for batch in _batches(found, BATCH):
        result.read += len(batch)
        result.unreadable += sum(1 for p in batch if p.problem and not p.attributes and not p.emails)
        first_of_batch = begin + result.read - len(batch)
        erased = people.erased_in(batch)
        result.erased += len(erased)
        for index, person in enumerate(batch):
            if len(result.examples) < 5 and index not in erased:
                result.examples.append(asdict(person))
        if record is None or dry_run:
            plan.add(batch, first_of_batch, erased)
            result.visible, result.updated = plan.made + plan.updated, plan.updated
            result.skipped, result.problems = plan.skipped, plan.problems
            if progress:
                progress(result)
            continue
        with transaction.atomic():
            stored = people.store([p for i, p in enumerate(batch) if i not in erased], user=user)
            ImportedRow.objects.bulk_create(
                [ImportedRow(batch=record, kind=made, object_id=key) for made, key in stored.rows]
            )
            result.visible += len(stored.made) + stored.updated
            result.updated += stored.updated
            result.skipped += stored.skipped
            _note(record, result)
        if progress:
            progress(result)
    if record is not None and not dry_run:
        _finish(record, result)
    return result


def _note(record: Import, result: ImportResult) -> None:
    for name, value in result.counts().items():
        setattr(record, name, value)
    record.examples, record.updated, record.erased = result.examples, result.updated, result.erased
    record.save()


def _finish(record: Import, result: ImportResult) -> None:
    record.state, record.finished_at = "done", now()
    _note(record, result)
    audit.record(
        "import_finished",
        "import",
        record.pk,
        counts={**result.counts(), **({"erased": result.erased} if result.erased else {})},
    )


def import_undo(record: Import) -> int:
    """Take back what an import made and nobody else has touched since; returns how many things went.

    Messages that were also seen elsewhere stay. Raises ImportRefused after 30 days.
    """
    if record.undone_at is not None:
        raise ImportRefused(_("This import was taken back already."))
    if record.created_at < now() - timedelta(days=UNDO_DAYS):
        raise ImportRefused(_("An import can be taken back for %d days; this one is older.") % UNDO_DAYS)
    with transaction.atomic():
        gone = _undo_mail(record) if record.kind in files.MAIL_KINDS else _undo_people(record)
        record.undone_at, record.state = now(), "undone"
        record.save(update_fields=["undone_at", "state"])
        audit.record("import_undone", "import", record.pk, gone=gone)
    return gone


def _undo_mail(record: Import) -> int:
    copies = MessageCopy.objects.filter(folder=f"import:{record.pk}")
    messages = list(copies.values_list("message_id", flat=True).distinct())
    conversations = list(copies.values_list("thread__conversation_id", flat=True).distinct())
    copies.delete()
    gone = Message.objects.filter(pk__in=messages, copies=None)
    count = gone.count()
    RawItem.objects.filter(pk__in=gone.exclude(raw_id=None).values_list("raw_id", flat=True)).delete()
    gone.delete()
    conversations_refresh(conversations)
    return count


def _undo_people(record: Import) -> int:
    """Exactly what came goes: a contact that somebody has since worked with stays, without what the import said."""
    rows: dict[str, list[uuid.UUID]] = {}
    for kind, key in record.rows.values_list("kind", "object_id"):
        rows.setdefault(kind, []).append(key)
    made, facts = rows.get("contact", []), rows.get("fact", [])
    links = IdentityLink.objects.filter(pk__in=rows.get("link", []))
    touched = set(Fact.objects.filter(pk__in=facts).values_list("contact__canonical", flat=True))
    touched |= set(links.values_list("contact__canonical", flat=True))
    Fact.objects.filter(pk__in=facts).delete()
    ContactTag.objects.filter(pk__in=rows.get("contact_tag", [])).delete()
    Affiliation.objects.filter(pk__in=rows.get("affiliation", [])).delete()
    free = (
        Contact.objects.filter(
            pk__in=made, facts=None, merges_in=None, merges_out=None, notes=None, tasks=None, promises=None,
            tags=None, affiliations=None, relationships=None, relationships_to=None, touches=None,
        )
        .exclude(links__in=IdentityLink.objects.exclude(pk__in=links.values("pk")))
        .distinct()
    )  # fmt: skip
    keys = list(free.values_list("pk", flat=True))
    kept = [c for c in made if c not in set(keys)]
    # An address by which somebody who stays was worked with is theirs; one that was added to somebody known goes.
    gone = links.exclude(contact_id__in=kept)
    for identity, contact in gone.filter(unlinked_at=None).values_list("identity_id", "contact_id"):
        Identity.objects.filter(pk=identity, contact_id=contact).update(contact=None)
    gone.delete()
    Contact.objects.filter(pk__in=keys).delete()
    Organization.objects.filter(
        pk__in=rows.get("organization", []), affiliations=None, children=None
    ).delete()
    Tag.objects.filter(pk__in=rows.get("tag", []), contacts=None, conversations=None).delete()
    Identity.objects.filter(
        pk__in=rows.get("identity", []),
        contact=None,
        participations=None,
        links=None,
        threads=None,
        touches=None,
    ).delete()
    contact_project([c for c in touched if c not in set(keys)])
    return len(keys)
