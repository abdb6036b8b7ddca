"""What an erasure takes beside the rows that the registry names: words in queues, logs, lists and answers, and files.

Ids find most of it. The rest is found by words: addresses and handles wherever they stand, names only in what Kith itself has
written down of somebody. What colleagues or others wrote in their own words is not searched for names.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection, models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Cast

from kith.channels.models import RawItem
from kith.contacts.models import Contact, Fact, Identity
from kith.conversations.models import Draft, Message
from kith.core import blobs
from kith.core.models import AuditEvent, EventDelivery, LooseBlob
from kith.core.registry import erased, is_certain
from kith.core.sweep import unnamed
from kith.engagement.models import AssignmentRule, SavedView
from kith.networks.models import ChannelHealth
from kith.teams.models import Notification, SystemMail
from kith.work.models import Promise, Task
from kith.workspace.models import Import, ImportedRow
from kith.workspace.person_data import Person

log = logging.getLogger(__name__)
SHORTEST_WORD = 4
ERASED = "erased:"  # how the external id of an erased identity begins
NOTHING = "…"


@dataclass(frozen=True, slots=True)
class Words:
    """What must not be found again, the longest first: addresses and handles; and names."""

    addresses: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """With what JSON makes of them where it writes ASCII only."""
        plain = {*self.addresses, *self.names}
        return _sorted(plain | {json.dumps(word)[1:-1] for word in plain})

    @property
    def certain(self) -> tuple[str, ...]:
        """Those that mean nobody and nothing else: a handle may be "team", a name "Open"."""
        return tuple(word for word in self.all if is_certain(word))


def words_of(person: Person) -> Words:
    addresses: set[str] = set()
    names: set[str] = set()
    for row in Identity.objects.filter(pk__in=person.identity_ids).exclude(external_id__startswith=ERASED):
        addresses |= {row.external_id, row.handle}
        names.add(row.display_name)
        for handle, name in row.handles.values_list("handle", "display_name"):
            addresses.add(handle)
            names.add(name)
    for contact in Contact.objects.filter(pk__in=person.contact_ids):
        names |= {contact.name, f"{contact.given_name} {contact.family_name}".strip()}
    return Words(_sorted(addresses), _sorted(names - addresses))


def _sorted(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted((w for w in words if len(w) >= SHORTEST_WORD), key=lambda w: (-len(w), w)))


def forget(ids: Sequence[Any], words: Words, *, last: bool = False) -> set[str]:
    """What stands outside of the registry goes, by ids and by words; returns digests of files that may be nobody's now.

    `last`: with what is done once for a person, not for each batch of messages. The audit log keeps who did what, and when.
    """
    digests = _by_ids(ids)
    if last:
        digests |= _by_words(words)
        erased([key for key in ids if isinstance(key, uuid.UUID)], words.all)
    return digests


def _by_ids(ids: Sequence[Any]) -> set[str]:
    AuditEvent.objects.filter(subject_id__in=ids).exclude(details={}).update(details={})
    EventDelivery.objects.filter(subject_id__in=ids).delete()
    Notification.objects.filter(subject_id__in=ids).delete()
    # What was derived from a message goes with it, on whomever it stands.
    for model in (Fact, Task, Promise):
        model._default_manager.filter(message_id__in=ids).delete()
    imports = ImportedRow.objects.filter(object_id__in=ids)
    Import.objects.filter(pk__in=imports.values("batch")).update(examples=[], found={}, problems=[])
    return set()


def _by_words(words: Words) -> set[str]:
    digests: set[str] = set()
    for word in words.all:
        Notification.objects.filter(Q(title__icontains=word) | Q(body__icontains=word)).delete()
        drafts = _holding(Draft.objects.filter(conversation=None), "recipients", word)
        digests |= files_of_drafts(drafts)
        drafts.delete()
        for field in ("examples", "found", "problems"):
            _holding(Import.objects.all(), field, word).update(examples=[], found={}, problems=[])
        Import.objects.filter(source__icontains=word).update(source=NOTHING)
    for word in words.certain:
        _holding(AuditEvent.objects.all(), "details", word).update(details={})
        EventDelivery.objects.filter(error__icontains=word).update(error="")
        ChannelHealth.objects.filter(last_error__icontains=word).update(last_error="")
        _system_mails(word)
        _jobs(word)
        _saved_views(word)
        digests |= _loose_raws(word)
    for address in filter(is_certain, words.addresses):
        _holding(AssignmentRule.objects.all(), "conditions", address).delete()
    digests |= _uploads(words)
    _sessions(words)
    cache.clear()
    return digests


def _holding(rows: models.QuerySet[Any], field: str, word: str) -> models.QuerySet[Any]:
    """Rows whose JSON, as text, holds a word; there quotes and backslashes are escaped."""
    escaped = json.dumps(word, ensure_ascii=False)[1:-1]
    keys = rows.annotate(whole=Cast(F(field), models.TextField())).filter(whole__icontains=escaped)
    return rows.filter(pk__in=list(keys.values_list("pk", flat=True)))


def _loose_raws(word: str) -> set[str]:
    """Bytes that no message was made of (an edit, a reaction, a profile), where they hold the word."""
    named = Message.objects.filter(raw_id=OuterRef("pk"))
    rows = RawItem.objects.exclude(Exists(named)).annotate(whole=Cast(F("meta"), models.TextField()))
    spoken = Q(whole__icontains=word) | Q(error__icontains=word)
    keys = list(rows.filter(spoken).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.id FROM channels_rawitem r WHERE r.body IS NOT NULL AND (position(%(exact)s IN r.body) > 0 "
            "OR position(%(lower)s IN r.body) > 0) "
            "AND NOT EXISTS (SELECT 1 FROM conversations_message m WHERE m.raw_id = r.id)",
            {"exact": word.encode(), "lower": word.lower().encode()},
        )
        keys += [row[0] for row in cursor.fetchall()]
    found = RawItem.objects.filter(pk__in=keys)
    digests = set(found.filter(body=None).values_list("digest", flat=True))
    found.update(body=None, meta={}, error="", size=0, state=RawItem.State.DONE)
    return digests


def _system_mails(word: str) -> None:
    """Letters to colleagues stay, without the word: they say that and when somebody was told."""
    for mail in SystemMail.objects.filter(
        Q(subject__icontains=word) | Q(text__icontains=word) | Q(error__icontains=word)
    ):
        mail.subject, mail.text, mail.error = (
            _without(t, word) for t in (mail.subject, mail.text, mail.error)
        )
        mail.save(update_fields=["subject", "text", "error"])


def _without(text: str, word: str) -> str:
    return re.sub(re.escape(word), NOTHING, text, flags=re.IGNORECASE)


def _jobs(word: str) -> None:
    """Jobs that carry the word and are not being done this moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs WHERE status <> 'doing' AND strpos(lower(args::text), lower(%s)) > 0",
            [word],
        )


def _saved_views(word: str) -> None:
    """A search for somebody goes; one that asks for other things as well goes on without them."""
    term = re.compile(rf'(?:[\w-]+:)?"?{re.escape(word)}"?(?!\w)', re.IGNORECASE)
    for view in SavedView.objects.filter(Q(query__icontains=word) | Q(name__icontains=word)):
        rest = " ".join(term.sub("", view.query).split())
        if not rest or word.lower() in rest.lower():
            view.delete()
        else:
            SavedView.objects.filter(pk=view.pk).update(query=rest, name=_without(view.name, word))


def _sessions(words: Words) -> None:
    """What sessions carry of them: a notice that waits to be shown, say. Nobody is signed out."""
    from importlib import import_module

    from django.conf import settings

    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    for row in Session.objects.iterator():
        data = row.get_decoded()
        kept = {
            key: value for key, value in data.items() if not _holds(json.dumps(value, default=str), words)
        }
        if kept != data:
            Session.objects.filter(pk=row.pk).update(session_data=store().encode(kept))


def _holds(text: str, words: Words) -> bool:
    text = text.lower()
    return any(word.lower() in text for word in words.certain)


def _uploads(words: Words) -> set[str]:
    """Files that wait to be imported and hold an address of theirs are let go; whoever brought one is told at its import."""
    from kith.workspace.imports.screen import upload_holds, upload_let_go

    return {
        digest
        for record in Import.objects.exclude(file="").exclude(state="running")
        if upload_holds(record, words.addresses) and (digest := upload_let_go(record))
    }


def files_of_drafts(drafts: models.QuerySet[Draft]) -> set[str]:
    return {
        str(file["digest"])
        for files in drafts.values_list("attachments", flat=True)
        for file in files
        if file.get("digest")
    }


def blobs_sweep(digests: set[str]) -> None:
    """Remove what nobody names any more; after the commit, so that a name never points to nothing.

    With what a restore has set aside: it is no part of the house, and nobody looks there.
    """
    for digest in unnamed(sorted(digests - {""})):
        blobs.remove(digest)
        blobs.remove_aside(digest)


def noticed_sweep() -> None:
    """Files that were noticed as nobody's go now rather than tonight, and half-written ones that nobody will finish."""
    noticed = dict(LooseBlob.objects.values_list("digest", "since"))
    for digest in unnamed(sorted(noticed)):
        blobs.remove_if_older(digest, noticed[digest].timestamp())
    blobs.drafts_sweep()
