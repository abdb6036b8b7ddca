"""People from CSV and vCard: the mapping is guessed, who is known is updated, the rest is made; in batches."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import phonenumbers
import vobject
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.ids import new_id
from kith.base.text import clean
from kith.contacts.models import Contact, ContactTag, Fact, Identity, IdentityLink, Tag
from kith.contacts.services import (
    affiliation_record,
    contact_project,
    erased_among,
    identities_observe,
    organization_get_or_create,
)
from kith.contacts.services.facts import said_confidence
from kith.contacts.services.identities import ROLE_ADDRESSES
from kith.contacts.types import IdentityKey, ObservedIdentity
from kith.core import audit
from kith.teams.models import User
from kith.workspace.imports.files import csv_rows, vcards

EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
# Headers as the common programs write them, folded; first match wins.
HEADERS: dict[str, tuple[str, ...]] = {
    "email": ("email", "e-mail", "email address", "e-mail address", "mail", "e-mail 1 - value", "email 1", "correo",
              "correo electrónico", "work email", "primary email", "e-mail-adresse"),
    "email2": ("e-mail 2 - value", "email 2", "e-mail 2 address", "home email", "other email", "secondary email"),
    "phone": ("phone", "phone number", "telephone", "mobile", "mobile phone", "telefon", "teléfono", "phone 1 - value",
              "business phone", "handy", "mobil", "primary phone"),
    "phone2": ("phone 2 - value", "home phone", "other phone", "work phone"),
    "given_name": ("first name", "given name", "firstname", "first", "vorname", "nombre", "forename"),
    "family_name": ("last name", "family name", "lastname", "surname", "last", "nachname", "apellido", "apellidos"),
    "name": ("name", "full name", "display name", "fullname", "contact name", "nombre completo"),
    "preferred_name": ("nickname", "preferred name", "goes by", "rufname"),
    "organization": ("company", "organization", "organisation", "organization name", "organization 1 - name", "firma",
                     "empresa", "account name", "company name"),
    "role": ("job title", "title", "role", "position", "organization title"),
    "city": ("city", "town", "ort", "stadt", "ciudad", "mailing city", "home city", "business city"),
    "country": ("country", "land", "país", "pais", "mailing country", "country/region"),
    "language": ("language", "sprache", "idioma"),
    "tags": ("tags", "labels", "groups", "categories", "group membership"),
}  # fmt: skip


@dataclass(slots=True)
class Person:
    """One row, understood. Empty when nothing in it can be used."""

    attributes: dict[str, str] = field(default_factory=dict)
    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    organization: str = ""
    role: str = ""
    tags: list[str] = field(default_factory=list)
    problem: str = ""


def guess_mapping(headers: Iterable[str]) -> dict[str, str]:
    """Header to attribute; headers that are not understood become custom fields (`custom.<key>`)."""
    mapping: dict[str, str] = {}
    for header in headers:
        folded = re.sub(r"[\s_]+", " ", header.strip().casefold())
        found = next((a for a, names in HEADERS.items() if folded in names and a not in mapping.values()), "")
        key = re.sub(r"[^a-z0-9]+", "_", folded).strip("_")[:50]
        mapping[header] = found or (f"custom.{key}" if key else "")
    return mapping


def _phone(text: str, country: str) -> str:
    """E.164, or "" for what is no number."""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def from_row(row: Mapping[str, str], mapping: Mapping[str, str]) -> Person:
    person = Person()
    country = ""
    for header, value in row.items():
        attribute, text = mapping.get(header, ""), clean(value).strip()[:1000]
        if not attribute or not text:
            continue
        if attribute in ("email", "email2"):
            person.emails += [e.lower() for e in EMAIL.findall(text)]
            if not EMAIL.search(text):
                person.problem = f"{text[:60]!r} is no e-mail address"
        elif attribute in ("phone", "phone2"):
            person.phones.append(text)
        elif attribute == "organization":
            person.organization = text[:300]
        elif attribute == "role":
            person.role = text[:200]
        elif attribute == "tags":
            person.tags = [t.strip()[:60] for t in re.split(r"[,;|]|:::", text) if t.strip() and "*" not in t]
        elif attribute == "country" and len(text) != 2:
            person.attributes["custom.country"] = text
        else:
            person.attributes[attribute] = text
            country = text.upper() if attribute == "country" else country
    person.phones = [p for p in (_phone(p, country) for p in person.phones) if p]
    return person


def from_vcard(text: str) -> Person:
    person = Person()
    try:
        card = vobject.readOne(text, allowQP=True)
    except Exception as error:  # noqa: BLE001  (the library raises whatever it stumbles over)
        person.problem = f"unreadable card: {error}"[:200]
        return person
    for line in card.getChildren():
        name, value = line.name.upper(), line.value
        if name == "FN":
            person.attributes["name"] = clean(str(value))[:300]
        elif name == "N":
            person.attributes["given_name"] = _flat(getattr(value, "given", ""))
            person.attributes["family_name"] = _flat(getattr(value, "family", ""))
        elif name == "NICKNAME":
            person.attributes["preferred_name"] = _flat(value)
        elif name == "EMAIL":
            person.emails += [e.lower() for e in EMAIL.findall(str(value))]
        elif name == "TEL":
            person.phones.append(_phone(str(value).removeprefix("tel:"), ""))
        elif name == "ORG":
            person.organization = _flat(value[0] if isinstance(value, list) and value else value)
        elif name == "TITLE":
            person.role = _flat(value)
        elif name == "ADR":
            person.attributes["city"] = _flat(getattr(value, "city", ""))
        elif name == "CATEGORIES":
            person.tags = [clean(str(t))[:60] for t in (value if isinstance(value, list) else [value])]
    person.phones = [p for p in person.phones if p]
    person.attributes = {k: v for k, v in person.attributes.items() if v}
    return person


def _flat(value: object) -> str:
    text = " ".join(str(v) for v in value) if isinstance(value, (list, tuple)) else str(value or "")
    return clean(text).strip()[:120]


def people(kind: str, path: Path, mapping: Mapping[str, str] | None = None) -> Iterator[Person]:
    """Every person of a file, in order."""
    if kind == "vcard":
        for card in vcards(path):
            yield from_vcard(card)
        return
    guessed: Mapping[str, str] | None = mapping
    for row in csv_rows(path):
        if guessed is None:
            guessed = guess_mapping(row)
        yield from_row(row, guessed)


def erased_in(batch: Sequence[Person]) -> frozenset[int]:
    """Which of a batch have an address of somebody who was erased: they are not brought back, however much else is said."""
    observed = _observed(batch)
    erased = erased_among({one.key for several in observed.values() for one in several})
    if not erased:
        return frozenset()
    return frozenset(i for i, several in observed.items() if any(one.key in erased for one in several))


@dataclass(slots=True)
class Stored:
    made: list[uuid.UUID] = field(default_factory=list)
    updated: int = 0
    skipped: int = 0
    rows: list[tuple[str, uuid.UUID]] = field(default_factory=list)  # (kind, id) of all that was made


def store(batch: Sequence[Person], *, user: User | None) -> Stored:
    """Make or update the people of a batch: by their own exact addresses, never by name."""
    result = Stored()
    observed = _observed(batch)
    keys = [one.key for several in observed.values() for one in several]
    before = _known(keys)
    # What is known already keeps its name: an import that is taken back leaves no trace on it.
    known = identities_observe(
        one if one.key not in before else ObservedIdentity(one.network, one.external_id)
        for several in observed.values()
        for one in several
    )
    result.rows += [("identity", known[k].id) for k in dict.fromkeys(keys) if k not in before]
    owner: dict[IdentityKey, uuid.UUID] = {k: v.contact_id for k, v in known.items() if v.contact_id}
    contacts, facts, links, tags = [], [], [], []
    moment = now()
    touched: set[uuid.UUID] = set()
    said = _said(list(owner.values()))
    for index, person in enumerate(batch):
        exact = [one.key for one in observed[index] if known[one.key].kind != Identity.Kind.SHARED]
        if not person.attributes and not exact:
            result.skipped += 1
            continue
        contact_id = next((owner[k] for k in exact if k in owner), None)
        if contact_id is None:
            contact_id = new_id()
            contacts.append(Contact(id=contact_id, canonical_id=contact_id))
            result.made.append(contact_id)
        else:
            result.updated += 1
        touched.add(contact_id)
        for attribute, value in person.attributes.items():
            if (contact_id, attribute, value) not in said:
                said.add((contact_id, attribute, value))
                facts.append(
                    Fact(contact_id=contact_id, attribute=attribute, value=value, source=Fact.Source.IMPORT,
                         observed_at=moment, recorded_by=user,
                         confidence=said_confidence(attribute, value, Fact.Source.IMPORT))
                )  # fmt: skip
        for key in exact:
            if key not in owner:
                owner[key] = contact_id
                links.append(
                    IdentityLink(identity_id=known[key].id, contact_id=contact_id, basis=IdentityLink.Basis.IMPORTED,
                                 decided_by=user, linked_at=moment)
                )  # fmt: skip
        tags += [(contact_id, t) for t in person.tags]
    Contact.objects.bulk_create(contacts)
    Fact.objects.bulk_create(facts)
    IdentityLink.objects.bulk_create(links)
    identities = [Identity(id=link.identity_id, contact_id=link.contact_id) for link in links]
    Identity.objects.bulk_update(identities, ["contact"], batch_size=1000)
    result.rows += [("contact", c) for c in result.made]
    result.rows += [("fact", f.id) for f in facts] + [("link", link.id) for link in links]
    result.rows += _tag(tags)
    for person, index in ((p, i) for i, p in enumerate(batch) if p.organization):
        mine = next((owner[k.key] for k in observed[index] if k.key in owner), None)
        if mine is not None:
            result.rows += _affiliate(mine, person)
    contact_project(list(touched))
    audit.record_many([("contact_imported", "contact", c, {}) for c in result.made])
    return result


def _observed(batch: Sequence[Person]) -> dict[int, list[ObservedIdentity]]:
    found: dict[int, list[ObservedIdentity]] = {}
    for index, person in enumerate(batch):
        shown = person.attributes.get("name") or " ".join(
            filter(None, (person.attributes.get("given_name"), person.attributes.get("family_name")))
        )
        found[index] = [
            ObservedIdentity("email", e, handle=e, display_name=shown) for e in dict.fromkeys(person.emails)
        ] + [ObservedIdentity("phone", p, handle=p, display_name=shown) for p in dict.fromkeys(person.phones)]
    return found


def _known(keys: Sequence[IdentityKey]) -> dict[IdentityKey, uuid.UUID | None]:
    """Identities that are there already, with the contact that they are read as."""
    rows = Identity.objects.filter(external_id__in=[k[2] for k in keys], realm="").values_list(
        "network", "external_id", "contact__canonical_id"
    )
    wanted = set(keys)
    return {key: owner for network, external, owner in rows if (key := (network, "", external)) in wanted}


def _said(contact_ids: Sequence[uuid.UUID]) -> set[tuple[uuid.UUID, str, str]]:
    """What imports have said of them before, so that the same file says nothing twice."""
    rows = Fact.objects.filter(
        contact_id__in=contact_ids, source=Fact.Source.IMPORT, retracted_at=None
    ).values_list("contact_id", "attribute", "value")
    return {(c, a, v) for c, a, v in rows if isinstance(v, str)}


def _affiliate(contact_id: uuid.UUID, person: Person) -> list[tuple[str, uuid.UUID]]:
    started = now()
    organization = organization_get_or_create(name=person.organization)
    role = affiliation_record(contact_id=contact_id, organization=organization, role=person.role)
    made = [("organization", organization.pk)] if organization.created_at >= started else []
    return made + ([("affiliation", role.pk)] if role.created_at >= started else [])


def _tag(pairs: Sequence[tuple[uuid.UUID, str]]) -> list[tuple[str, uuid.UUID]]:
    if not pairs:
        return []
    names = {name for _, name in pairs}
    there = set(Tag.objects.filter(name__in=names).values_list("name", flat=True))
    Tag.objects.bulk_create([Tag(name=n) for n in names - there], ignore_conflicts=True)
    ids = dict(Tag.objects.filter(name__in=names).values_list("name", "id"))
    wanted = [(c, ids[n]) for c, n in dict.fromkeys(pairs)]
    worn = set(
        ContactTag.objects.filter(contact_id__in=[c for c, _ in wanted]).values_list("contact_id", "tag_id")
    )
    rows = [ContactTag(contact_id=c, tag_id=t) for c, t in wanted if (c, t) not in worn]
    ContactTag.objects.bulk_create(rows, ignore_conflicts=True)
    return [("tag", ids[n]) for n in names - there] + [("contact_tag", row.pk) for row in rows]


@dataclass(slots=True)
class Plan:
    """What an import would do, so far: nothing is written. `problems`: (number of the line or card, why)."""

    made: int = 0
    updated: int = 0
    skipped: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    seen: dict[IdentityKey, int] = field(default_factory=dict)

    def add(self, batch: Sequence[Person], first: int, erased: Collection[int] = ()) -> None:
        observed = _observed(batch)
        known = _known([one.key for several in observed.values() for one in several])
        for index, person in enumerate(batch):
            if index in erased:
                continue
            keys = [
                one.key for one in observed[index]
                if not (one.network == "email" and one.external_id.partition("@")[0] in ROLE_ADDRESSES)
            ]  # fmt: skip
            if person.problem:
                self.problems.append((first + index, person.problem))
            if not person.attributes and not keys:
                self.skipped += 1
                if not person.problem:
                    self.problems.append((first + index, _("nothing in it can be used")))
                continue
            mine = next((n for k in keys if (n := self.seen.get(k)) is not None), None)
            if mine is not None or any(known.get(k) for k in keys):
                self.updated += 1
            else:
                self.made += 1
            for key in keys:
                self.seen.setdefault(key, first + index)
