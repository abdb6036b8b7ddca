"""Contacts: made, linked, merged, and all of it undone. A contact's id never dies."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.ids import new_id
from kith.contacts.models import Contact, Fact, Identity, IdentityLink
from kith.contacts.services.facts import SURE, WEIGHT, contact_project, contact_set_columns, said_confidence
from kith.core import audit, events, rows
from kith.teams.models import User

ATTRIBUTES = (
    "name",
    "preferred_name",
    "given_name",
    "family_name",
    "language",
    "time_zone",
    "city",
    "country",
)


class ContactError(ValueError):
    """What can't be done with a contact, in words for a person; `field` names the input to blame, if one is."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def contact_create(
    *, source: str = Fact.Source.COLLEAGUE, user: User | None = None, **attributes: Any
) -> Contact:
    """A new contact whose columns come from facts of one source; attributes are those of `Fact.attribute`."""
    key, moment = new_id(), now()
    known = {a: v for a, v in attributes.items() if v not in ("", None)}
    contact = Contact(id=key, canonical_id=key)
    # Nobody has other facts yet: nothing is to be read back.
    contact_set_columns(contact, known, sure=WEIGHT.get(Fact.Source(source), 0) >= SURE)
    facts = [
        Fact(
            contact=contact,
            attribute=a,
            value=v,
            source=source,
            observed_at=moment,
            recorded_by=user,
            confidence=said_confidence(a, v, source),
        )
        for a, v in known.items()
    ]
    told = audit.event("contact_created", "contact", key, source=str(source))
    rows.insert_together([contact, *facts, told])
    events.record("contact_created", [key])
    return contact


def contact_for_identity(*, identity: Identity, user: User | None = None) -> Contact:
    """The contact of an identity, made from what its network says of it when there is none yet.

    Raises ContactError for a shared address: it has candidates, no contact.
    """
    identity = Identity.objects.select_for_update(of=("self",)).select_related("contact").get(pk=identity.pk)
    if identity.contact is not None:
        return identity.contact.canonical
    if identity.kind == Identity.Kind.SHARED:
        raise ContactError(
            _("%(address)s is a shared address. Link the person who wrote, not the address.")
            % {"address": identity.handle or identity.external_id}
        )
    contact = contact_create(
        source=Fact.Source.PROFILE, user=user, name=identity.display_name or identity.handle
    )
    identity_link(identity=identity, contact=contact, basis=IdentityLink.Basis.OWN_KEY, user=user)
    contact.refresh_from_db()
    return contact


def identity_link(
    *,
    identity: Identity,
    contact: Contact,
    basis: str,
    user: User | None = None,
    evidence: dict[str, Any] | None = None,
    score: float | None = None,
) -> IdentityLink:
    """Say that an identity belongs to a contact; ends the link it had before."""
    with transaction.atomic():
        identity_unlink(identity=identity, user=user, project=False)
        canonical = contact.canonical_id
        link = IdentityLink.objects.create(
            identity=identity,
            contact_id=canonical,
            basis=basis,
            evidence=evidence or {},
            score=score,
            decided_by=user,
            linked_at=now(),
        )
        before = identity.contact_id
        Identity.objects.filter(pk=identity.pk).update(contact_id=canonical)
        identity.contact_id = canonical
        contact_project([c for c in {before, canonical} if c])
        audit.record("identity_linked", "contact", canonical, identity=str(identity.pk), basis=basis)
        events.record("identity_linked", [identity.pk])
    return link


def identity_unlink(*, identity: Identity, user: User | None = None, project: bool = True) -> None:
    """The identity stands on its own again. What was linked before, and why, stays readable in its links."""
    before = Identity.objects.values_list("contact__canonical_id", flat=True).get(pk=identity.pk)
    ended = IdentityLink.objects.filter(identity=identity, unlinked_at=None).update(
        unlinked_at=now(), unlinked_by=user, unlinked_as=before
    )
    if ended:
        Identity.objects.filter(pk=identity.pk).update(contact=None)
        if project and before:
            identity.contact_id = None
            contact_project([before])
        audit.record("identity_unlinked", "contact", before, identity=str(identity.pk))
        events.record("identity_unlinked", [identity.pk])


def contact_own(*, contact: Contact, owner: User | None) -> None:
    """Who looks after a person; None: nobody in particular."""
    if contact.owner_id == (owner.pk if owner else None):
        return
    Contact.objects.filter(pk=contact.pk).update(owner=owner)
    audit.record("contact_owner_changed", "contact", contact.pk, owner=str(owner.pk) if owner else None)
    events.record("contact_changed", [contact.pk])


def contact_delete(*, contact: Contact) -> None:
    """Hide a contact; its identities stay, without one. Erasure for good is `workspace.erasure`."""
    for identity in Identity.objects.filter(contact__canonical=contact.canonical_id):
        identity_unlink(identity=identity, project=False)
    Contact.objects.filter(canonical=contact.canonical_id).update(deleted_at=now())
    audit.record("contact_deleted", "contact", contact.canonical_id)
    events.record("contact_changed", [contact.canonical_id])
