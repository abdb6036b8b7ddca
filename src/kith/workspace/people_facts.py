"""What we know of a person, and how: facts by what they tell of, those in use first."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from kith.base.clock import now
from kith.contacts.models import Contact, CustomField, Fact
from kith.core.asking import Ask, answered
from kith.core.objects import objects_ask
from kith.teams.models import User

# In the order in which a page shows them.
LABELS: dict[str, Any] = {
    "name": _("Name"),
    "preferred_name": _("Wants to be called"),
    "given_name": _("First name"),
    "family_name": _("Last name"),
    "language": _("Language"),
    "city": _("City"),
    "country": _("Country"),
    "time_zone": _("Time zone"),
}


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact and how we know it; `current` is the one that the page shows, others disagree or are older.

    `scope`: the name of whom it is kept to, "" for everybody. `used`: about the person, not about somebody else.
    """

    id: uuid.UUID
    attribute: str
    label: str
    value: Any
    source: str
    source_text: str
    quote: str
    message_id: uuid.UUID | None
    observed_at: datetime
    recorded_by: str
    current: bool
    retracted_at: datetime | None = None
    retracted_by: str = ""
    scope: str = ""
    corrects: Any = None
    used: bool = True


@dataclass(frozen=True, slots=True)
class FactGroup:
    """All that is said of one attribute. `shown` is in use (None: none is), `kind` a custom field's kind."""

    attribute: str
    label: str
    kind: str
    shown: FactRow | None
    others: tuple[FactRow, ...]
    wrong: tuple[FactRow, ...]


def _name(user: User | None) -> str:
    return user.name if user is not None else ""


def custom_fields() -> list[CustomField]:
    """What the company wants to know of people besides, in the order of its forms."""
    found: list[CustomField] = answered([custom_fields_ask()])[0]
    return found


def custom_fields_ask() -> Ask:
    """The same, to be asked together with others."""
    return objects_ask(CustomField, "true ORDER BY r.position, r.key", {})


_STANDING = (
    "r.contact_id = ANY (%(contacts)s) AND (r.expires_at IS NULL OR r.expires_at > %(now)s) "
    "ORDER BY r.attribute, r.observed_at DESC, r.id DESC"
)


def facts_ask(aliases: Sequence[uuid.UUID]) -> Ask:
    """All facts of a person, those called wrong included. The caller leaves out what the viewer may not see."""
    return objects_ask(
        Fact,
        _STANDING,
        {"contacts": list(aliases), "now": now()},
        recorded_by="name",
        retracted_by="name",
        corrects="value",
    )


def facts_of(
    contact: Contact, facts: Sequence[Fact], fields: Sequence[CustomField], scopes: Mapping[uuid.UUID, str]
) -> tuple[FactRow, ...]:
    """Facts (those that the viewer may see) as the page shows them; `scopes` names circles, without that of everybody."""
    labels = {field.key: field.label for field in fields}
    by_attribute: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_attribute[fact.attribute].append(fact)
    found = []
    for attribute, told in by_attribute.items():
        custom = attribute.removeprefix("custom.")
        shown = (
            contact.custom.get(custom)
            if attribute.startswith("custom.")
            else getattr(contact, attribute, None)
        )
        used = next((f for f in told if f.value == shown and f.retracted_at is None), None)
        for fact in told:
            found.append(
                FactRow(
                    id=fact.pk,
                    attribute=attribute,
                    label=labels.get(custom, ""),
                    value=fact.value,
                    source=fact.source,
                    source_text=str(fact.get_source_display()),
                    quote=fact.quote,
                    message_id=fact.message_id,
                    observed_at=fact.observed_at,
                    recorded_by=_name(fact.recorded_by),
                    current=fact is used,
                    retracted_at=fact.retracted_at,
                    retracted_by=_name(fact.retracted_by),
                    scope=scopes.get(fact.scope_id, "") if fact.scope_id else "",
                    corrects=fact.corrects.value if fact.corrects else None,
                    used=fact.about == "self",
                )
            )
    return tuple(found)


def scope_names_ask(ids: set[uuid.UUID]) -> Ask:
    """Names of circles, by id, without that of everybody."""
    asked = "SELECT id, name FROM teams_scope WHERE id = ANY (%(ids)s) AND kind <> 'everyone'"
    return Ask(asked, {"ids": list(ids)}, dict)


def fact_groups(rows: Sequence[FactRow], custom: Sequence[CustomField]) -> list[FactGroup]:
    """Facts by attribute: the person's own data first, then the company's fields, then whatever else was noted."""
    fields = {f"custom.{f.key}": f for f in custom}
    by_attribute: dict[str, list[FactRow]] = defaultdict(list)
    for row in rows:
        by_attribute[row.attribute].append(row)
    order = [*LABELS, *fields]
    found = []
    for attribute in sorted(by_attribute, key=lambda a: (order.index(a) if a in order else len(order), a)):
        told = by_attribute[attribute]
        standing = [r for r in told if r.retracted_at is None]
        several = attribute not in LABELS and attribute not in fields and len(standing) > 1
        for shown in standing if several else [next((r for r in standing if r.current), None)]:
            shown = shown or next(iter(standing), None)
            field = fields.get(attribute)
            found.append(
                FactGroup(
                    attribute,
                    str(LABELS.get(attribute) or (field.label if field else "") or words_of(attribute)),
                    field.kind if field else "",
                    shown,
                    () if several else tuple(r for r in standing if r is not shown),
                    tuple(r for r in told if r.retracted_at is not None and not several),
                )
            )
    return found


def label_of(attribute: str) -> str:
    """What a fact tells of, in words."""
    return str(LABELS.get(attribute) or words_of(attribute))


def words_of(attribute: str) -> str:
    """An attribute without a label of its own, as words."""
    return attribute.removeprefix("custom.").replace("_", " ").capitalize()
