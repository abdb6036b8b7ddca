"""Tags of people."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import transaction

from kith.contacts.models import Contact, ContactTag, Tag, TagSetAside
from kith.core import audit, events
from kith.teams.models import User


@transaction.atomic
def contacts_tag(*, contact_ids: Iterable[uuid.UUID], tag: Tag) -> list[uuid.UUID]:
    """Put a tag on people; returns the canonical ids of those who did not carry it before."""
    canonical = set(
        Contact.objects.filter(pk__in=list(contact_ids), deleted_at=None).values_list(
            "canonical_id", flat=True
        )
    )
    carried = set(
        ContactTag.objects.filter(contact__canonical__in=canonical, tag=tag).values_list(
            "contact__canonical_id", flat=True
        )
    )
    ContactTag.objects.bulk_create(
        [ContactTag(contact_id=c, tag=tag) for c in sorted(canonical)], ignore_conflicts=True
    )
    new = sorted(canonical - carried)
    audit.record_many([("contact_tagged", "contact", c, {"tag": tag.name}) for c in new])
    events.record("contact_changed", new)
    return new


@transaction.atomic
def contacts_untag(
    *, contact_ids: Iterable[uuid.UUID], tag: Tag, user: User | None = None
) -> list[uuid.UUID]:
    """Take a tag off people; returns the canonical ids of those who carried it. A merged contact's own tag is set aside."""
    canonical = set(Contact.objects.filter(pk__in=list(contact_ids)).values_list("canonical_id", flat=True))
    rows = list(
        ContactTag.objects.filter(contact__canonical__in=canonical, tag=tag).select_related("contact")
    )
    TagSetAside.objects.bulk_create(
        TagSetAside(contact=row.contact, tag=tag, removed_as=row.contact.canonical_id, removed_by=user)
        for row in rows
        if row.contact_id != row.contact.canonical_id
    )
    ContactTag.objects.filter(pk__in=[row.pk for row in rows]).delete()
    gone = sorted({row.contact.canonical_id for row in rows})
    audit.record_many([("contact_untagged", "contact", c, {"tag": tag.name}) for c in gone])
    events.record("contact_changed", gone)
    return gone
