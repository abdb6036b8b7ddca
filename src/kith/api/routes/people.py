"""People: list, search, create, change, hide, merge and its undo."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import F, Q
from django.http import HttpRequest
from ninja import Query, Router, Status

from kith.api import paging
from kith.api.access import Token, caller_of
from kith.api.gate import link_or_problem
from kith.api.problems import Problem, blame
from kith.api.routes.identities import identity_out
from kith.api.schemas import (
    AffiliationIn,
    AffiliationOut,
    IdentityIn,
    MergeIn,
    MergeOut,
    Page,
    PeopleQuery,
    PersonIn,
    PersonOut,
    PersonPatch,
)
from kith.contacts import services
from kith.contacts.models import Contact, ContactTag, Fact, Identity, IdentityLink, Merge, Organization, Tag
from kith.contacts.names import sort_key
from kith.contacts.types import ObservedIdentity
from kith.core import audit
from kith.networks.selectors import manifest_of
from kith.teams.models import User

router = Router(tags=["people"])
READ, WRITE = Token("people:read"), Token("people:write")
COLUMNS = (
    "name",
    "preferred_name",
    "given_name",
    "family_name",
    "language",
    "time_zone",
    "city",
    "country",
)


def contact_of(person_id: uuid.UUID, *, field: str = "") -> Contact:
    """The person of an id, or of one that was merged into them. Raises Problem 404 (422 when a field names it)."""
    found = (
        Contact.objects.select_related("canonical")
        .filter(pk=person_id, canonical__deleted_at=None, deleted_at=None)
        .first()
    )
    if found is None:
        if field:
            raise blame(field, "There is no such person.")
        raise Problem(404, "There is no such person.")
    return found.canonical if found.canonical_id != found.pk else found


def people_out(contacts: Sequence[Contact]) -> list[dict[str, Any]]:
    ids = [c.pk for c in contacts]
    identities: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for identity in (
        Identity.objects.filter(contact__canonical_id__in=ids).select_related("contact").order_by("id")
    ):
        if identity.contact is not None:
            identities.setdefault(identity.contact.canonical_id, []).append(identity_out(identity))
    tags: dict[uuid.UUID, set[str]] = {}
    for owner, name in ContactTag.objects.filter(contact__canonical_id__in=ids).values_list(
        "contact__canonical_id", "tag__name"
    ):
        tags.setdefault(owner, set()).add(name)
    return [
        {
            "id": c.pk,
            **{column: getattr(c, column) for column in COLUMNS},
            "custom": c.custom,
            "owner_id": c.owner_id,
            "tags": sorted(tags.get(c.pk, ())),
            "identities": identities.get(c.pk, []),
            "last_inbound_at": c.last_inbound_at,
            "created_at": c.created_at,
        }
        for c in contacts
    ]


@router.get("", auth=READ, response=Page[PersonOut], summary="List and search people, by name")
def people_list(request: HttpRequest, query: Query[PeopleQuery]) -> Any:
    rows = Contact.objects.filter(deleted_at=None, canonical_id=F("id"))
    for word in sort_key(query.q).split()[:8]:
        rows = rows.filter(search_text__icontains=word)
    if query.tag:
        tagged = ContactTag.objects.filter(tag__name__iexact=query.tag).values("contact__canonical_id")
        rows = rows.filter(pk__in=tagged)
    after = paging.decode(query.after, str, paging.as_uuid)
    if after:
        rows = rows.filter(Q(sort_key__gt=after[0]) | Q(sort_key=after[0], id__gt=after[1]))
    found = list(rows.order_by("sort_key", "id")[: query.limit + 1])
    shown, following = paging.page(found, query.limit, lambda c: (c.sort_key, c.id))
    return {"items": people_out(shown), "next": following}


@router.post("", auth=WRITE, response={201: PersonOut}, summary="Create a person")
def people_create(request: HttpRequest, body: PersonIn) -> Any:
    caller = caller_of(request)
    user = caller.user
    values: dict[str, Any] = {column: getattr(body, column) for column in COLUMNS}
    values.update({f"custom.{key}": value for key, value in body.custom.items()})
    if (
        not any(values[c] for c in ("name", "preferred_name", "given_name", "family_name"))
        and not body.identities
    ):
        raise blame("name", "A person has a name, or an identity at least.")
    contact = services.contact_create(user=user, **values)
    _link(contact, body.identities, user)
    _set_tags(contact, body.tags, user)
    if body.identities:
        contact.refresh_from_db()
        if not contact.name:
            first = body.identities[0]
            services.fact_record(
                contact_id=contact.pk,
                attribute="name",
                value=first.display_name or first.handle or first.external_id,
                source=Fact.Source.COLLEAGUE,
                user=user,
            )
            contact.refresh_from_db()
        return Status(201, people_out([contact])[0])
    return Status(201, _plain(contact, body.tags))


def _plain(contact: Contact, tags: Iterable[str]) -> dict[str, Any]:
    """What `people_out` says of somebody who was made this moment, without asking again."""
    return {
        "id": contact.pk,
        **{column: getattr(contact, column) for column in COLUMNS},
        "custom": contact.custom,
        "owner_id": None,
        "tags": sorted(set(tags)),
        "identities": [],
        "last_inbound_at": None,
        "created_at": contact.created_at,
    }


def _link(contact: Contact, wanted: Sequence[IdentityIn], user: User) -> None:
    """A colleague's program says that these are theirs. What belongs to somebody else stays with them: merge instead."""
    for number, item in enumerate(wanted):
        where = f"identities.{number}"
        manifest = manifest_of(item.network)
        if manifest is None:
            raise blame(f"{where}.network", "Kith knows no such network.")
        external = item.external_id.lower() if manifest.medium == "mail" else item.external_id
        observed = ObservedIdentity(
            item.network, external, item.realm, item.handle or external, item.display_name
        )
        known = services.identities_observe([observed]).get(observed.key)
        if known is None:
            raise blame(f"{where}.external_id", "This identity can't be kept.")
        if known.kind != Identity.Kind.PERSON:
            raise blame(where, "This is a shared or automatic address, or our own; it belongs to nobody.")
        if known.contact_id not in (None, contact.canonical_id):
            raise Problem(
                409,
                "This identity belongs to somebody else; merge the two.",
                errors=[(where, f"belongs to {known.contact_id}")],
            )
        link_or_problem(
            identity=Identity.objects.get(pk=known.id),
            contact=contact,
            basis=IdentityLink.Basis.BY_HAND,
            user=user,
            evidence={"by": "api"},
        )


def _set_tags(contact: Contact, names: Sequence[str], user: User, *, replace: bool = False) -> None:
    if replace:
        worn = Tag.objects.filter(contacts__contact__canonical_id=contact.pk).exclude(name__in=names)
        for tag in worn.distinct():
            services.contacts_untag(contact_ids=[contact.pk], tag=tag, user=user)
    for name in dict.fromkeys(names):
        tag = Tag.objects.filter(name__iexact=name).first() or Tag.objects.get_or_create(name=name)[0]
        services.contacts_tag(contact_ids=[contact.pk], tag=tag)


@router.get("/{uuid:person_id}", auth=READ, response=PersonOut, summary="One person")
def people_get(request: HttpRequest, person_id: uuid.UUID) -> Any:
    """An id that was merged gives the person it was merged into."""
    return people_out([contact_of(person_id)])[0]


@router.patch("/{uuid:person_id}", auth=WRITE, response=PersonOut, summary="Change a person")
def people_change(request: HttpRequest, person_id: uuid.UUID, body: PersonPatch) -> Any:
    """Every change is a fact: who said it and when. Only what is named is changed."""
    caller = caller_of(request)
    contact = contact_of(person_id)
    given = body.model_dump(exclude_unset=True)
    changes = {column: given[column] for column in COLUMNS if column in given}
    changes = {column: value for column, value in changes.items() if getattr(contact, column) != value}
    for key, value in given.get("custom", {}).items():
        if contact.custom.get(key) != value:
            changes[f"custom.{key}"] = value
    for attribute, value in changes.items():
        services.fact_record(
            contact_id=contact.pk,
            attribute=attribute,
            value=value,
            source=Fact.Source.COLLEAGUE,
            user=caller.user,
        )
    if "owner_id" in given:
        owner = given["owner_id"]
        if owner is not None and not User.objects.filter(pk=owner, is_active=True).exists():
            raise blame("owner_id", "There is no such colleague.")
        Contact.objects.filter(pk=contact.pk).update(owner_id=owner)
        audit.record("contact_owner_changed", "contact", contact.pk, owner=str(owner) if owner else None)
    if given.get("tags") is not None:
        _set_tags(contact, given["tags"], caller.user, replace=True)
    contact.refresh_from_db()
    return people_out([contact])[0]


@router.delete("/{uuid:person_id}", auth=WRITE, response={204: None}, summary="Hide a person")
def people_delete(request: HttpRequest, person_id: uuid.UUID) -> Any:
    """Hidden, not erased: their messages stay and belong to nobody."""
    services.contact_delete(contact=contact_of(person_id))
    return Status(204, None)


@router.post("/{uuid:person_id}/merge", auth=WRITE, response={201: MergeOut}, summary="Merge two people")
def people_merge(request: HttpRequest, person_id: uuid.UUID, body: MergeIn) -> Any:
    """`other_id` is read as `person_id` from now on; undo it under `merges`."""
    merge = services.contact_merge(
        survivor=contact_of(person_id),
        loser=contact_of(body.other_id, field="other_id"),
        user=caller_of(request).user,
        reason=body.reason,
    )
    return Status(201, merge)


@router.get("/merges/{uuid:merge_id}", auth=READ, response=MergeOut, summary="One merge")
def merges_get(request: HttpRequest, merge_id: uuid.UUID) -> Any:
    return _merge(merge_id)


@router.post("/merges/{uuid:merge_id}/undo", auth=WRITE, response=MergeOut, summary="Undo a merge")
def merges_undo(request: HttpRequest, merge_id: uuid.UUID) -> Any:
    merge = _merge(merge_id)
    services.contact_merge_undo(merge=merge, user=caller_of(request).user)
    return merge


def _merge(merge_id: uuid.UUID) -> Merge:
    merge = Merge.objects.filter(pk=merge_id).first()
    if merge is None:
        raise Problem(404, "There is no such merge.")
    return merge


@router.post(
    "/{uuid:person_id}/affiliations",
    auth=WRITE,
    response={201: AffiliationOut},
    summary="Say that a person works for a company",
)
def affiliations_create(request: HttpRequest, person_id: uuid.UUID, body: AffiliationIn) -> Any:
    contact = contact_of(person_id)
    organization = Organization.objects.filter(pk=body.organization_id).first()
    if organization is None:
        raise blame("organization_id", "There is no such company.")
    row = services.affiliation_record(contact_id=contact.pk, organization=organization, role=body.role)
    return Status(201, row)
