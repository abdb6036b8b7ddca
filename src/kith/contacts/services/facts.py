"""Facts, each with its source; a contact's columns are projections of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from kith.base.clock import now
from kith.contacts.models import Contact, Fact, Identity
from kith.contacts.names import USABLE, parse, person_confidence, sort_key
from kith.core import audit, events
from kith.teams.models import Scope, User

# What a source weighs when two facts disagree; the later of equals wins.
WEIGHT = {
    Fact.Source.TOLD_US: 6,
    Fact.Source.COLLEAGUE: 5,
    Fact.Source.MESSAGE: 4,
    Fact.Source.PROFILE: 3,
    Fact.Source.IMPORT: 2,
    Fact.Source.FORM: 1,
}
SURE = WEIGHT[Fact.Source.MESSAGE]
# Who says a name of a person whom they know, or of themselves to us: it is one, however it looks.
KNOWS = frozenset([Fact.Source.TOLD_US, Fact.Source.COLLEAGUE])
PROJECTED = (
    "name",
    "preferred_name",
    "given_name",
    "family_name",
    "language",
    "time_zone",
    "city",
    "country",
)


def fact_record(
    *,
    contact_id: uuid.UUID,
    attribute: str,
    value: Any,
    source: str,
    observed_at: datetime | None = None,
    user: User | None = None,
    **rest: Any,
) -> Fact:
    """Write down one fact on the canonical contact and bring its projections up to date."""
    canonical = Contact.objects.values_list("canonical_id", flat=True).get(pk=contact_id)
    rest.setdefault("confidence", said_confidence(attribute, value, source))
    fact = Fact.objects.create(
        contact_id=canonical,
        attribute=attribute,
        value=value,
        source=source,
        observed_at=observed_at or now(),
        recorded_by=user,
        **rest,
    )
    contact_project([canonical])
    audit.record("fact_recorded", "contact", canonical, attribute=attribute, source=source)
    return fact


def said_confidence(attribute: str, value: Any, source: str) -> float:
    """How sure a new fact is: of a name that came with a profile, an import or a form, how sure it is one."""
    if attribute not in ("name", "given_name", "preferred_name") or source in KNOWS:
        return 1.0
    if attribute == "name":
        return parse(str(value)).confidence
    return person_confidence(str(value), "")


def fact_retract(*, fact: Fact, user: User | None = None) -> None:
    """ "That's wrong": the fact no longer counts. It stays, with its source and with who said that it is wrong."""
    canonical = _canonical(fact)
    fact.retracted_at, fact.retracted_by, fact.retracted_as = now(), user, canonical
    fact.save(update_fields=["retracted_at", "retracted_by", "retracted_as"])
    contact_project([canonical])
    audit.record("fact_retracted", "contact", canonical, attribute=fact.attribute)


def fact_restore(*, fact: Fact) -> None:
    """Undo of `fact_retract`."""
    fact.retracted_at, fact.retracted_by, fact.retracted_as = None, None, None
    fact.save(update_fields=["retracted_at", "retracted_by", "retracted_as"])
    canonical = _canonical(fact)
    contact_project([canonical])
    audit.record("fact_restored", "contact", canonical, attribute=fact.attribute)


@transaction.atomic
def fact_correct(*, fact: Fact, value: Any, source: str, user: User | None = None) -> Fact:
    """ "That's wrong, it is so": a new fact with a source of its own, which points to the one that it corrects.

    It is seen by those who saw the wrong one.
    """
    fact_retract(fact=fact, user=user)
    return fact_record(
        contact_id=fact.contact_id,
        attribute=fact.attribute,
        value=value,
        source=source,
        user=user,
        corrects=fact,
        scope_id=fact.scope_id,
    )


@transaction.atomic
def fact_expire(*, fact: Fact, at: datetime | None) -> None:
    """From `at` on the fact no longer counts; None: it counts until somebody says otherwise."""
    fact.expires_at = at
    fact.save(update_fields=["expires_at"])
    canonical = _canonical(fact)
    contact_project([canonical])
    audit.record("fact_expiry_set", "contact", canonical, attribute=fact.attribute)


def facts_expired(since: datetime) -> int:
    """Bring the people up to date of whom a fact has expired since then; returns how many."""
    people = set(
        Fact.objects.filter(expires_at__gt=since, expires_at__lte=now()).values_list(
            "contact__canonical_id", flat=True
        )
    )
    for start in range(0, len(ids := sorted(people)), 500):
        contact_project(ids[start : start + 500])
    return len(people)


@transaction.atomic
def fact_told(*, fact: Fact, user: User) -> Fact:
    """A colleague says that they told us themselves: the same, with a better source. Undone by `fact_told_undo`."""
    fact_retract(fact=fact, user=user)
    return fact_record(
        contact_id=fact.contact_id,
        attribute=fact.attribute,
        value=fact.value,
        source=Fact.Source.TOLD_US,
        user=user,
        corrects=fact,
        scope_id=fact.scope_id,
        sensitivity=fact.sensitivity,
        about=fact.about,
        purposes=fact.purposes,
        expires_at=fact.expires_at,
    )


@transaction.atomic
def fact_told_undo(*, fact: Fact) -> None:
    """They did not: the fact before it counts again."""
    before = fact.corrects
    fact_forget(fact=fact)
    if before is not None:
        fact_restore(fact=before)


def fact_forget(*, fact: Fact) -> None:
    """ "Forget this": the fact goes for good, and nothing says any more what it was."""
    canonical = _canonical(fact)
    fact.delete()
    contact_project([canonical])
    audit.record("fact_forgotten", "contact", canonical, attribute=fact.attribute)


@transaction.atomic
def contact_set(
    *,
    contact_id: uuid.UUID,
    attribute: str,
    value: Any,
    source: str = Fact.Source.TOLD_US,
    user: User | None = None,
) -> None:
    """From now on `value` is what we know of `attribute` ("" or None: nothing). What said otherwise stays, as history."""
    canonical = Contact.objects.values_list("canonical_id", flat=True).get(pk=contact_id)
    standing = Fact.objects.filter(
        contact__canonical=canonical, attribute=attribute, retracted_at=None
    ).filter(everyones())
    moment = now()
    if value in ("", None):
        standing.update(retracted_at=moment, retracted_by=user, retracted_as=canonical)
        contact_project([canonical])
        audit.record("fact_retracted", "contact", canonical, attribute=attribute)
        return
    stronger = [s for s, weight in WEIGHT.items() if weight > WEIGHT.get(Fact.Source(source), 0)]
    standing.filter(source__in=stronger).update(
        retracted_at=moment, retracted_by=user, retracted_as=canonical
    )
    fact_record(contact_id=canonical, attribute=attribute, value=value, source=source, user=user)


def _canonical(fact: Fact) -> uuid.UUID:
    return Contact.objects.values_list("canonical_id", flat=True).get(pk=fact.contact_id)


def everyones() -> Q:
    """Facts that no scope keeps from anybody: a contact's columns, which every colleague sees, come from these alone."""
    everyone = Scope.objects.filter(kind=Scope.Kind.EVERYONE).values("pk")
    return Q(scope_id=None) | Q(scope_id__in=everyone)


def contact_project(contact_ids: Sequence[uuid.UUID]) -> None:
    """Rebuild the columns of canonical contacts from the facts of all their aliases."""
    moment = now()
    facts = (
        Fact.objects.filter(contact__canonical__in=contact_ids, retracted_at=None)
        .filter(everyones(), Q(expires_at=None) | Q(expires_at__gt=moment))
        .select_related("contact")
    )
    best: dict[tuple[uuid.UUID, str], tuple[tuple[int, datetime, uuid.UUID], Any]] = {}
    for fact in facts:
        slot = (fact.contact.canonical_id, fact.attribute)
        rank = (WEIGHT.get(Fact.Source(fact.source), 0), fact.observed_at, fact.id)
        if slot not in best or rank > best[slot][0]:
            best[slot] = (rank, fact.value)
    handles: dict[uuid.UUID, list[str]] = {}
    for canonical, handle, shown, external in Identity.objects.filter(
        contact__canonical__in=contact_ids
    ).values_list("contact__canonical_id", "handle", "display_name", "external_id"):
        handles.setdefault(canonical, []).extend({handle, shown, external} - {""})
    contacts = list(Contact.objects.filter(pk__in=contact_ids))
    values: dict[uuid.UUID, dict[str, Any]] = {}
    sure: set[uuid.UUID] = set()
    for (owner, attribute), (rank, value) in best.items():
        values.setdefault(owner, {})[attribute] = value
        if attribute == "preferred_name" and rank[0] >= SURE:
            sure.add(owner)
    for contact in contacts:
        contact_set_columns(
            contact, values.get(contact.id, {}), handles.get(contact.id, ()), sure=contact.id in sure
        )
    Contact.objects.bulk_update(
        contacts, [*PROJECTED, "name_confidence", "custom", "sort_key", "search_text"], batch_size=500
    )
    events.record("contact_changed", list(contact_ids))


_LIMITS = {column: Contact._meta.get_field(column).max_length or 300 for column in PROJECTED}  # type: ignore[union-attr]


def contact_set_columns(
    contact: Contact, values: Mapping[str, Any], handles: Iterable[str] = (), *, sure: bool = False
) -> None:
    """Set the columns of a contact from the best value of each attribute; saves nothing.

    `sure`: they said themselves how they want to be called, or a colleague knows it. A form or an import proves nothing.
    Where a whole name is all that is known, its parts come from it while they are certain, and go when it goes.
    """
    for column in PROJECTED:
        found = values.get(column)
        setattr(contact, column, str(found)[: _LIMITS[column]] if found else "")
    split = None
    if contact.name and not contact.given_name and not contact.preferred_name:
        split = parse(
            contact.name, country=contact.country, language=contact.language, family=contact.family_name
        )
        if split.confidence >= USABLE:
            contact.given_name = split.given[: _LIMITS["given_name"]]
            contact.family_name = contact.family_name or split.family[: _LIMITS["family_name"]]
    full = f"{contact.given_name} {contact.family_name}".strip()
    contact.name = contact.name or full or contact.preferred_name
    called = contact.preferred_name or contact.given_name
    if sure and contact.preferred_name:
        contact.name_confidence = 1.0
    elif split is not None:
        contact.name_confidence = split.confidence
    else:
        contact.name_confidence = person_confidence(
            called, contact.name, language=contact.language, country=contact.country
        )
    contact.custom = {a[7:]: value for a, value in values.items() if a.startswith("custom.")}
    contact.sort_key = sort_key(contact.family_name, contact.given_name) or sort_key(contact.name)
    contact.search_text = sort_key(
        contact.name, contact.preferred_name, full, contact.city, *sorted(set(handles))[:20]
    )
