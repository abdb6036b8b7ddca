"""Companies, channels, colleagues, teams, tags."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from ninja import Query, Router, Status

from kith.api import paging
from kith.api.access import Token, caller_of
from kith.api.problems import Problem
from kith.api.schemas import (
    ChannelHealthOut,
    ChannelOut,
    HealthOut,
    OrganizationIn,
    OrganizationOut,
    OrganizationPatch,
    OrganizationQuery,
    Page,
    PageQuery,
    TagOut,
    TeamOut,
    UserOut,
)
from kith.contacts.models import Organization, Tag
from kith.contacts.names import sort_key
from kith.core import audit
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.networks.selectors import channel_accounts_for
from kith.teams.models import Team, User

organizations = Router(tags=["companies"])
channels = Router(tags=["channels"])
house = Router(tags=["the house"])
ANYONE = Token()


@organizations.get(
    "", auth=Token("people:read"), response=Page[OrganizationOut], summary="List companies, by name"
)
def organizations_list(request: HttpRequest, query: Query[OrganizationQuery]) -> Any:
    rows = Organization.objects.all()
    for word in sort_key(query.q).split()[:8]:
        rows = rows.filter(sort_key__contains=word)
    after = paging.decode(query.after, str, paging.as_uuid)
    if after:
        rows = rows.filter(Q(sort_key__gt=after[0]) | Q(sort_key=after[0], id__gt=after[1]))
    found = list(rows.order_by("sort_key", "id")[: query.limit + 1])
    shown, following = paging.page(found, query.limit, lambda o: (o.sort_key, o.id))
    return {"items": shown, "next": following}


@organizations.post(
    "", auth=Token("people:write"), response={201: OrganizationOut}, summary="Create a company"
)
def organizations_create(request: HttpRequest, body: OrganizationIn) -> Any:
    if body.domain and Organization.objects.filter(domain=body.domain.lower()).exists():
        raise Problem(
            409, "There is a company with this domain.", errors=[("domain", "belongs to another company")]
        )
    made = Organization.objects.create(
        name=body.name,
        sort_key=sort_key(body.name),
        domain=body.domain.lower(),
        website=body.website,
        city=body.city,
        country=body.country,
        about=body.about,
    )
    audit.record("organization_created", "organization", made.pk)
    return Status(201, made)


def _organization(organization_id: uuid.UUID) -> Organization:
    found = Organization.objects.filter(pk=organization_id).first()
    if found is None:
        raise Problem(404, "There is no such company.")
    return found


@organizations.get(
    "/{uuid:organization_id}", auth=Token("people:read"), response=OrganizationOut, summary="One company"
)
def organizations_get(request: HttpRequest, organization_id: uuid.UUID) -> Any:
    return _organization(organization_id)


@organizations.patch(
    "/{uuid:organization_id}",
    auth=Token("people:write"),
    response=OrganizationOut,
    summary="Change a company",
)
def organizations_change(request: HttpRequest, organization_id: uuid.UUID, body: OrganizationPatch) -> Any:
    found = _organization(organization_id)
    given = body.model_dump(exclude_unset=True)
    if "name" in given:
        given["sort_key"] = sort_key(given["name"])
    if "domain" in given:
        given["domain"] = given["domain"].lower()
    for column, value in given.items():
        setattr(found, column, value)
    if given:
        found.save(update_fields=list(given))
        audit.record("organization_changed", "organization", found.pk, fields=sorted(given))
    return found


def _health(account: ChannelAccount) -> HealthOut | None:
    found = ChannelHealth.objects.filter(pk=account.pk).first()
    return HealthOut.from_orm(found) if found else None


@channels.get("", auth=Token("channels:read"), response=list[ChannelOut], summary="Our channels")
def channels_list(request: HttpRequest) -> Any:
    return list(channel_accounts_for(caller_of(request).viewer))


@channels.get(
    "/{uuid:channel_id}",
    auth=Token("channels:read"),
    response=ChannelHealthOut,
    summary="One channel and how it fares",
)
def channels_get(request: HttpRequest, channel_id: uuid.UUID) -> Any:
    account = channel_accounts_for(caller_of(request).viewer).filter(pk=channel_id).first()
    if account is None:
        raise Problem(404, "There is no such channel, or you may not see it.")
    return {**ChannelOut.from_orm(account).dict(), "health": _health(account)}


@house.get("/users", auth=ANYONE, response=list[UserOut], summary="Colleagues")
def users_list(request: HttpRequest) -> Any:
    return list(User.objects.filter(is_active=True).order_by("name", "id"))


@house.get("/teams", auth=ANYONE, response=list[TeamOut], summary="Teams")
def teams_list(request: HttpRequest) -> Any:
    return [
        {"id": t.pk, "name": t.name, "member_ids": [u.pk for u in t.members.all()]}
        for t in Team.objects.prefetch_related("members").order_by("name", "id")
    ]


@house.get("/tags", auth=ANYONE, response=Page[TagOut], summary="Tags, by name")
def tags_list(request: HttpRequest, query: Query[PageQuery]) -> Any:
    rows = Tag.objects.all()
    after = paging.decode(query.after, str)
    if after:
        rows = rows.filter(name__gt=after[0])
    shown, following = paging.page(
        list(rows.order_by("name")[: query.limit + 1]), query.limit, lambda t: (t.name,)
    )
    return {"items": shown, "next": following}


@house.get("/me", auth=ANYONE, response=dict[str, Any], summary="Who this token is")
def me(request: HttpRequest) -> Any:
    caller = caller_of(request)
    return {
        "user_id": str(caller.user_id),
        "name": caller.user_name,
        "role": caller.role,
        "permissions": sorted(caller.permissions),
    }
