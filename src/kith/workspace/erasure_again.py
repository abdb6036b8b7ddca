"""Erasures that a database does not know of are applied again: it was put back from before them.

What the journal holds (`core.erasures`) and no finished request in the database answers to is due. People are found by their
ids, and by the hashes of their addresses where their rows have other ids. Whoever came after their erasure came anew, and is
left alone. What waits to be sent to them is taken back first, for all of them, before anybody is erased.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.contacts.services.erased import address_hashes
from kith.core import blobs, erasures, secrets
from kith.core.erasures import Entry
from kith.workspace.erasure import person_erase, waiting_cancel
from kith.workspace.erasure_traces import ERASED, blobs_sweep
from kith.workspace.models import PersonRequest
from kith.workspace.person_data import Person

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class JournalState:
    """How the journal and the database stand to each other; numbers of erasures (of lines: `damaged`)."""

    entries: int = 0
    due: int = 0
    under_way: int = 0
    missing: int = 0  # the database knows of them, this journal does not: another machine wrote them
    other_key: int = 0  # written with a key that this house does not have: found by ids alone
    damaged: int = 0


def journal_fill() -> int:
    """Add what other machines over this database have written into their journals; returns how many."""
    found = PersonRequest.objects.filter(kind=PersonRequest.Kind.ERASURE).exclude(journal={})
    return erasures.add(erasures.of_plain(value) for value in found.values_list("journal", flat=True))


def journal_state() -> JournalState:
    """Changes nothing."""
    journal, marks = erasures.read(), set(secrets.key_marks())
    states = _states(journal.entries)
    erasure = PersonRequest.objects.filter(kind=PersonRequest.Kind.ERASURE).exclude(journal={})
    here = {entry.id for entry in journal.entries}
    due = [e for e in journal.entries if states.get(e.id) in BROKEN_OFF]
    return JournalState(
        entries=len(journal.entries),
        due=len(due),
        under_way=sum(states.get(e.id) in ("waiting", "running") for e in journal.entries),
        missing=sum(key not in here for key in erasure.values_list("pk", flat=True)),
        other_key=sum(entry.key not in marks for entry in journal.entries),
        damaged=journal.damaged,
    )


def _states(entries: Iterable[Entry]) -> dict[uuid.UUID, str]:
    rows = PersonRequest.objects.filter(pk__in=[e.id for e in entries], kind=PersonRequest.Kind.ERASURE)
    return dict(rows.values_list("pk", "state"))


# What is applied, by the state of its request in the database: it knows nothing of it; and it broke off; and, where nobody
# else is at work, it had begun.
UNKNOWN = frozenset({None})
BROKEN_OFF = UNKNOWN | {"failed"}
BEGUN = BROKEN_OFF | {"waiting", "running"}


def erasures_due(which: frozenset[str | None]) -> list[Entry]:
    entries = erasures.read().entries
    states = _states(entries)
    return [entry for entry in entries if states.get(entry.id) in which]


def erasures_apply(report: Report, which: frozenset[str | None] = UNKNOWN) -> int:
    """Apply what is due; returns how many people were there again. Goes on where it was interrupted."""
    due = erasures_due(which)
    if not due:
        return 0
    report(f"Erasures since this database was saved: {len(due)}. Looking for the people")
    people = _people(due)
    for person in people.values():
        waiting_cancel(person)
    found = 0
    for number, entry in enumerate(due, 1):
        person = people[entry.id]
        found += _is_there(person)
        report(f"[{number}/{len(due)}] Erasing again what was erased on {entry.at:%Y-%m-%d}")
        request, _made = PersonRequest.objects.get_or_create(
            pk=entry.id,
            defaults={
                "kind": PersonRequest.Kind.ERASURE,
                "contact_id": min(entry.contacts, default=entry.id),
                "never_again": bool(entry.never),
            },
        )
        request.again_at, request.error = now(), ""
        request.save(update_fields=["again_at", "error"])
        person_erase(request, person, entry)
    if which == BEGUN:
        blobs_sweep(
            set(blobs.all_digests())
        )  # files that were nobody's already came back as if they were young
    return found


def _is_there(person: Person) -> bool:
    named = Contact.objects.filter(pk__in=person.contact_ids, deleted_at=None)
    reached = Identity.objects.filter(pk__in=person.identity_ids).exclude(external_id__startswith=ERASED)
    return named.exists() or reached.exists()


def _people(due: list[Entry]) -> dict[uuid.UUID, Person]:
    by_hash: dict[str, set[uuid.UUID]] = {}
    house = erasures.house_mark()
    wanted = {hashed for entry in due if entry.house == house for hashed in entry.addresses}
    for key, *address in _reachable(max(entry.at for entry in due), any_=bool(wanted)):
        for hashed in wanted.intersection(address_hashes((address[0], address[1], address[2]))):
            by_hash.setdefault(hashed, set()).add(key)
    return {entry.id: _person(entry, by_hash) for entry in due}


def _reachable(until: object, *, any_: bool) -> Iterable[tuple[uuid.UUID, str, str, str]]:
    if not any_:
        return ()
    rows = Identity.objects.filter(created_at__lte=until).exclude(external_id__startswith=ERASED)
    return (
        rows.exclude(kind=Identity.Kind.US)
        .values_list("pk", "network", "realm", "external_id")
        .iterator(chunk_size=5000)
    )


def _person(entry: Entry, by_hash: dict[str, set[uuid.UUID]]) -> Person:
    like = {key for hashed in entry.addresses for key in by_hash.get(hashed, ())}
    old = Identity.objects.filter(created_at__lte=entry.at)
    identities = set(old.filter(pk__in=entry.identities | like).values_list("pk", flat=True))
    contacts = set(Contact.objects.filter(pk__in=entry.contacts).values_list("pk", flat=True))
    # A person with other ids goes as well, unless they have an address that nobody asked to erase.
    theirs = Contact.objects.filter(identities__in=like, created_at__lte=entry.at)
    for canonical in set(theirs.values_list("canonical_id", flat=True)):
        all_of_them = set(
            Identity.objects.filter(contact__canonical_id=canonical).values_list("pk", flat=True)
        )
        if all_of_them <= identities:
            contacts |= set(Contact.objects.filter(canonical_id=canonical).values_list("pk", flat=True))
    return Person(tuple(contacts), tuple(identities))
