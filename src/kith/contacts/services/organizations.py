"""Organizations and who has which role there."""

from __future__ import annotations

import uuid
from datetime import date

from kith.contacts.models import Affiliation, Organization
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
