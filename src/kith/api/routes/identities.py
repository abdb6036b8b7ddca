"""Identities: somebody on one network, linked to a person or to nobody."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kith.api import paging
from kith.api.access import Token, caller_of
from kith.api.gate import link_or_problem
from kith.api.problems import Problem, blame
from kith.api.schemas import IdentityOut, IdentityQuery, LinkIn, Page
from kith.contacts import services
from kith.contacts.models import Contact, Identity, IdentityLink
from kith.conversations.selectors import identities_seen

router = Router(tags=["identities"])
READ, WRITE = Token("people:read"), Token("people:write")


def identity_out(identity: Identity) -> dict[str, Any]:
    contact = identity.contact
    return {
        "id": identity.pk,
        "network": identity.network,
        "realm": identity.realm,
        "external_id": identity.external_id,
        "handle": identity.handle,
        "display_name": identity.display_name,
        "kind": identity.kind,
        "person_id": contact.canonical_id if contact else None,
        "profile_url": identity.profile_url,
        "blocked": identity.blocked_at is not None,
        "bounced": identity.bounced_at is not None,
        "last_seen_at": identity.last_seen_at,
    }


@router.get("", auth=READ, response=Page[IdentityOut], summary="List identities, oldest first")
def identities_list(request: HttpRequest, query: Query[IdentityQuery]) -> Any:
    rows = identities_seen(caller_of(request).viewer)
    if query.network:
        rows = rows.filter(network=query.network)
    if query.external_id:
        rows = rows.filter(external_id=query.external_id)
    if query.person_id:
        canonical = Contact.objects.filter(pk=query.person_id).values("canonical_id")
        rows = rows.filter(contact__canonical_id__in=canonical)
    after = paging.decode(query.after, paging.as_uuid)
    if after:
        rows = rows.filter(id__gt=after[0])
    shown, following = paging.page(
        list(rows.order_by("id")[: query.limit + 1]), query.limit, lambda i: (i.id,)
    )
    return {"items": [identity_out(i) for i in shown], "next": following}


def _one(request: HttpRequest, identity_id: uuid.UUID) -> Identity:
    found = identities_seen(caller_of(request).viewer).filter(pk=identity_id).first()
    if found is None:
        raise Problem(404, "There is no such identity, or you may not see it.")
    return found


@router.get("/{uuid:identity_id}", auth=READ, response=IdentityOut, summary="One identity")
def identities_get(request: HttpRequest, identity_id: uuid.UUID) -> Any:
    return identity_out(_one(request, identity_id))


@router.post("/{uuid:identity_id}/link", auth=WRITE, response=IdentityOut, summary="Say whose an identity is")
def identities_link(request: HttpRequest, identity_id: uuid.UUID, body: LinkIn) -> Any:
    identity = _one(request, identity_id)
    if identity.kind != Identity.Kind.PERSON:
        raise Problem(409, "A shared or automatic address, or our own, belongs to nobody.")
    contact = (
        Contact.objects.filter(pk=body.person_id, deleted_at=None, canonical__deleted_at=None)
        .select_related("canonical")
        .first()
    )
    if contact is None:
        raise blame("person_id", "There is no such person.")
    link_or_problem(
        identity=identity,
        contact=contact.canonical,
        basis=IdentityLink.Basis.BY_HAND,
        user=caller_of(request).user,
        evidence={"by": "api"},
    )
    return identity_out(_one(request, identity_id))


@router.post(
    "/{uuid:identity_id}/unlink", auth=WRITE, response=IdentityOut, summary="Take an identity from its person"
)
def identities_unlink(request: HttpRequest, identity_id: uuid.UUID) -> Any:
    services.identity_unlink(identity=_one(request, identity_id), user=caller_of(request).user)
    found = Identity.objects.select_related("contact").get(pk=identity_id)
    return identity_out(found)


@router.post("/{uuid:identity_id}/block", auth=WRITE, response=IdentityOut, summary="Block a sender")
def identities_block(request: HttpRequest, identity_id: uuid.UUID) -> Any:
    services.identity_block(identity_id=_one(request, identity_id).pk, user=caller_of(request).user)
    return identity_out(_one(request, identity_id))


@router.post("/{uuid:identity_id}/unblock", auth=WRITE, response=IdentityOut, summary="Unblock a sender")
def identities_unblock(request: HttpRequest, identity_id: uuid.UUID) -> Any:
    services.identity_unblock(identity_id=_one(request, identity_id).pk)
    return identity_out(_one(request, identity_id))
