"""Contacts: made, linked, merged, and all of it undone. A contact's id never dies."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.ids import new_id
from kith.contacts.models import Contact, Fact, Identity, IdentityLink, Merge
from kith.contacts.services.facts import contact_project, contact_set_columns
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
    """What can't be done with a contact, in words for a person."""


def contact_create(
    *, source: str = Fact.Source.COLLEAGUE, user: User | None = None, **attributes: Any
) -> Contact:
    """A new contact whose columns come from facts of one source; attributes are those of `Fact.attribute`."""
    key, moment = new_id(), now()
    known = {a: v for a, v in attributes.items() if v not in ("", None)}
    contact = Contact(id=key, canonical_id=key)
    contact_set_columns(contact, known)  # nobody has other facts yet: nothing is to be read back
    rows.insert([contact])
    facts = [
        Fact(contact=contact, attribute=a, value=v, source=source, observed_at=moment, recorded_by=user)
        for a, v in known.items()
    ]
    rows.insert(facts)
    audit.record("contact_created", "contact", key, source=str(source))
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
    ended = IdentityLink.objects.filter(identity=identity, unlinked_at=None).update(unlinked_at=now())
    if ended:
        before = Identity.objects.values_list("contact__canonical_id", flat=True).get(pk=identity.pk)
        Identity.objects.filter(pk=identity.pk).update(contact=None)
        if project and before:
            identity.contact_id = None
            contact_project([before])
        audit.record("identity_unlinked", "contact", before, identity=str(identity.pk))
        events.record("identity_unlinked", [identity.pk])


def contact_merge(*, survivor: Contact, loser: Contact, user: User | None = None, reason: str = "") -> Merge:
    """Read `loser` as `survivor` from now on. No foreign key is rewritten; `contact_merge_undo` takes it back."""
    with transaction.atomic():
        _lock_all()
        keep, lose = survivor.canonical_id, loser.canonical_id
        if keep == lose:
            raise ContactError(_("These two are the same person already."))
        merge = Merge.objects.create(survivor_id=keep, loser_id=lose, decided_by=user, reason=reason)
        _realias()
        contact_project([keep, lose])
        audit.record("contact_merged", "contact", keep, loser=str(lose))
        events.record("contact_merged", [keep, lose])
    return merge


def contact_merge_undo(*, merge: Merge, user: User | None = None) -> None:
    """As if the merge had not been: what belonged to the loser is its own again, later edits stay with the survivor."""
    with transaction.atomic():
        _lock_all()
        if merge.undone_at is not None:
            raise ContactError(_("This merge was undone already."))
        merge.undone_at, merge.undone_by = now(), user
        merge.save(update_fields=["undone_at", "undone_by"])
        _realias()
        ids = {merge.survivor_id, merge.loser_id}
        ids |= set(Contact.objects.filter(pk__in=ids).values_list("canonical_id", flat=True))
        contact_project(list(ids))
        audit.record("contact_merge_undone", "contact", merge.survivor_id, loser=str(merge.loser_id))
        events.record("contact_merged", list(ids))


def _lock_all() -> None:
    """Merges are rare and form chains: one at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('kith.contacts.merge'))")


_REALIAS = """
WITH RECURSIVE up AS (
    SELECT loser_id AS id, survivor_id AS root, 1 AS depth FROM contacts_merge WHERE undone_at IS NULL
    UNION ALL
    SELECT up.id, m.survivor_id, up.depth + 1 FROM up
    JOIN contacts_merge m ON m.loser_id = up.root AND m.undone_at IS NULL
),
top AS (SELECT DISTINCT ON (id) id, root FROM up ORDER BY id, depth DESC),
wanted AS (
    SELECT m.loser_id AS id, coalesce(t.root, m.loser_id) AS root
    FROM (SELECT DISTINCT loser_id FROM contacts_merge) m LEFT JOIN top t ON t.id = m.loser_id
)
UPDATE contacts_contact c SET canonical_id = w.root FROM wanted w WHERE c.id = w.id AND c.canonical_id <> w.root
"""


def _realias() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_REALIAS)


def contact_delete(*, contact: Contact) -> None:
    """Hide a contact; its identities stay, without one. Erasure for good is `workspace.erasure`."""
    for identity in Identity.objects.filter(contact__canonical=contact.canonical_id):
        identity_unlink(identity=identity, project=False)
    Contact.objects.filter(canonical=contact.canonical_id).update(deleted_at=now())
    audit.record("contact_deleted", "contact", contact.canonical_id)
    events.record("contact_changed", [contact.canonical_id])
