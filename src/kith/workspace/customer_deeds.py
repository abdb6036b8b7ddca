"""What a customer does in a visit: correct their name, ask for their data, be forgotten."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from kith.base.clock import now
from kith.base.text import clean
from kith.contacts.models import Contact, Fact, Identity, IdentityLink
from kith.contacts.services import contact_create, contact_for_identity, contact_set, identity_link
from kith.core import audit, blobs
from kith.core.jobs import defer
from kith.work.models import Task
from kith.workspace.customer import contacts_of, identities_of
from kith.workspace.models import OwnExport, PersonRequest
from kith.workspace.person_data import person_of

log = logging.getLogger(__name__)
NOT_PROVEN = gettext_lazy(
    "One address of this person was proven on their own page, and is erased. Other addresses were not "
    "proven. Decide whether they belong to the same person, and erase them too."
)
KEPT = timedelta(hours=2)  # longer than a visit; the zip is made again in no time


class NotKnown(ValueError):
    """There is nobody to do it for."""


@transaction.atomic
def name_correct(*, identity_ids: Sequence[uuid.UUID], name: str) -> str:
    """What they want to be called, told by themselves; returns it as it is kept."""
    name = " ".join(clean(name).split())[:120]
    if not name:
        raise NotKnown
    identities = identities_of(identity_ids)
    people = contacts_of(identities)
    if not people:
        own = next((one for one in identities if one.kind == Identity.Kind.PERSON), None)
        if own is None:
            raise NotKnown
        people = [contact_for_identity(identity=own)]
    for contact in people:
        contact_set(contact_id=contact.pk, attribute="preferred_name", value=name, source=Fact.Source.TOLD_US)
    return name


@transaction.atomic
def forget_ask(
    *,
    identity_ids: Sequence[uuid.UUID],
    never_again: bool,
    proven_by: str,
    rest: str | Promise = NOT_PROVEN,
    any_kind: bool = False,
) -> list[PersonRequest]:
    """Erase what belongs to the proven identities.

    Where a person has other addresses too, which were not proven here, only the proven part goes by itself: it becomes a
    person of its own and is erased; whoever looks after them gets a task about the `rest`, whose words say why.
    `any_kind`: what belongs to nobody yet goes even where it is a machine's or a shared one.
    """
    from kith.workspace.jobs import person_request_run

    identities = identities_of(identity_ids)
    made = []
    for contact in _apart(identities, rest, any_kind):
        row = PersonRequest.objects.create(
            kind=PersonRequest.Kind.ERASURE,
            contact_id=contact.pk,
            never_again=never_again,
            proven=list(person_of(contact.pk).identity_ids),
        )
        audit.record("person_erasure_asked", "contact", contact.pk, reason=proven_by)
        defer(person_request_run, request_id=str(row.pk))
        made.append(row)
    if not made:
        raise NotKnown
    return made


def _apart(identities: Sequence[Identity], rest: str | Promise, any_kind: bool) -> list[Contact]:
    proven = {one.pk for one in identities}
    alone: list[Contact] = []
    for one in identities:
        if one.contact is None and one.kind == Identity.Kind.PERSON:
            alone.append(contact_for_identity(identity=one))
        elif one.contact is None and any_kind:
            alone.append(contact_create(source=Fact.Source.TOLD_US))
            identity_link(identity=one, contact=alone[-1], basis=IdentityLink.Basis.OWN_KEY)
    for contact in contacts_of([one for one in identities if one.contact]):
        family = list(
            Identity.objects.filter(contact__canonical=contact.canonical_id).exclude(kind=Identity.Kind.US)
        )
        if all(one.pk in proven for one in family):
            alone.append(contact)
            continue
        part = contact_create(source=Fact.Source.TOLD_US)
        for one in family:
            if one.pk in proven:
                identity_link(identity=one, contact=part, basis=IdentityLink.Basis.OWN_KEY)
        part.refresh_from_db()
        Fact.objects.filter(contact__canonical=contact, identity__in=proven).update(contact=part)
        _tell(contact, rest)
        alone.append(part)
    return alone


def _tell(contact: Contact, rest: str | Promise) -> None:
    """Somebody decides what of the rest is theirs."""
    language = contact.owner.language if contact.owner else ""
    with override(language or None):
        Task.objects.create(
            title=_("Somebody asks to be forgotten: look at the rest"),
            details=str(rest),
            contact=contact,
            assignee=contact.owner,
            due_at=now() + timedelta(days=7),
        )


@transaction.atomic
def own_export_ask(*, visit_id: uuid.UUID, identity_ids: Sequence[uuid.UUID], language: str) -> OwnExport:
    """Their data as a zip, made by a job; one at a time in a visit."""
    from kith.workspace.jobs import own_export_run

    waiting = OwnExport.objects.filter(visit_id=visit_id, state__in=["waiting", "running"]).first()
    if waiting is not None:
        return waiting
    own_exports_remove(OwnExport.objects.filter(visit_id=visit_id))
    made = OwnExport.objects.create(visit_id=visit_id, identity_ids=list(identity_ids), language=language)
    defer(own_export_run, export_id=str(made.pk))
    return made


def own_exports_remove(rows: object) -> int:
    """With their files."""
    number = 0
    for row in list(rows):  # type: ignore[call-overload]
        if row.digest:
            blobs.remove(row.digest)
        row.delete()
        number += 1
    return number


def own_exports_sweep() -> int:
    return own_exports_remove(OwnExport.objects.filter(created_at__lt=now() - KEPT))


def own_exports_forget(ids: Sequence[uuid.UUID], words: Sequence[str]) -> None:
    """Of an erasure: what was exported of them goes with them."""
    own_exports_remove(OwnExport.objects.filter(identity_ids__overlap=list(ids)))
