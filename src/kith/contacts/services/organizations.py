"""Organizations and who has which role there."""

from __future__ import annotations

import uuid
from datetime import date

from kith.contacts.models import Affiliation, Contact, Organization
from kith.contacts.names import sort_key
from kith.core import audit


def organization_get_or_create(*, name: str, domain: str = "") -> Organization:
    """By domain, else by the same name; made when there is none."""
    key = sort_key(name)
    found = None
    if domain:
        found = Organization.objects.filter(domain=domain.lower()).order_by("id").first()
    found = found or Organization.objects.filter(sort_key=key).order_by("id").first()
    if found is None:
        found = Organization.objects.create(name=name[:300], sort_key=key, domain=domain.lower())
        audit.record("organization_created", "organization", found.id)
    return found


def affiliation_record(
    *, contact_id: uuid.UUID, organization: Organization, role: str = "", begins_on: date | None = None
) -> Affiliation:
    """From a day (unknown: None) until it is ended; a role that stands already is not doubled."""
    contact_id = Contact.objects.values_list("canonical_id", flat=True).get(pk=contact_id)
    row, made = Affiliation.objects.get_or_create(
        contact_id=contact_id,
        organization=organization,
        role=role[:200],
        ends_on=None,
        defaults={"begins_on": begins_on},
    )
    if made:
        audit.record("affiliation_recorded", "contact", contact_id, organization=organization.name)
    return row


def affiliation_end(*, affiliation: Affiliation, on: date) -> None:
    affiliation.ends_on = on
    affiliation.save(update_fields=["ends_on"])
    audit.record("affiliation_ended", "contact", affiliation.contact_id)


def affiliation_remove(*, affiliation: Affiliation) -> None:
    """It never was so: the row goes. What was so once is ended instead."""
    audit.record(
        "affiliation_removed",
        "contact",
        affiliation.contact_id,
        organization=str(affiliation.organization_id),
    )
    affiliation.delete()


def organization_update(*, organization: Organization, **values: str) -> Organization:
    """Change `name`, `domain`, `website`, `city`, `country` or `about`; other names raise TypeError."""
    if unknown := set(values) - {"name", "domain", "website", "city", "country", "about"}:
        raise TypeError(f"not columns that change: {sorted(unknown)}")
    for column, value in values.items():
        setattr(organization, column, value)
    organization.sort_key = sort_key(organization.name)
    organization.domain = organization.domain.lower()
    organization.save()
    audit.record("organization_changed", "organization", organization.pk, what=sorted(values))
    return organization
