"""People, identities, companies."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import AfterValidator, Field

from kith.api.schemas.common import Code, Line, PageQuery, Short, Taken, tidy
from kith.base.text import clean


class IdentityOut(Schema):
    id: uuid.UUID
    network: str
    realm: str
    external_id: str
    handle: str
    display_name: str
    kind: str
    person_id: uuid.UUID | None
    profile_url: str
    blocked: bool
    bounced: bool
    last_seen_at: datetime | None


class IdentityIn(Taken):
    network: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    external_id: Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=500)]
    realm: Annotated[str, AfterValidator(tidy), Field(max_length=255)] = ""
    handle: Annotated[str, AfterValidator(tidy), Field(max_length=500)] = ""
    display_name: Line = ""


class PersonFields(Taken):
    name: Line = ""
    preferred_name: Short = ""
    given_name: Short = ""
    family_name: Short = ""
    language: Code = ""
    time_zone: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]*$")] = ""
    city: Short = ""
    country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$", description="ISO 3166, two letters.")] = ""
    custom: dict[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,60}$")], Line | int | float | bool] = Field(
        default_factory=dict, max_length=50
    )


class PersonIn(PersonFields):
    tags: list[Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=60)]] = Field(
        default_factory=list, max_length=50
    )
    identities: list[IdentityIn] = Field(default_factory=list, max_length=20)


class PersonPatch(PersonFields):
    """Only what is named is changed; "" takes a value away. `owner_id` null: nobody's."""

    owner_id: uuid.UUID | None = None
    tags: list[Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=60)]] | None = Field(
        default=None, max_length=50
    )


class PersonOut(Schema):
    id: uuid.UUID
    name: str
    preferred_name: str
    given_name: str
    family_name: str
    language: str
    time_zone: str
    city: str
    country: str
    custom: dict[str, Any]
    owner_id: uuid.UUID | None
    tags: list[str]
    identities: list[IdentityOut]
    last_inbound_at: datetime | None
    created_at: datetime


class PeopleQuery(PageQuery):
    q: Annotated[
        str, AfterValidator(tidy), Field(max_length=200, description="Part of a name or handle.")
    ] = ""
    tag: Annotated[str, AfterValidator(tidy), Field(max_length=60)] = ""


class MergeIn(Taken):
    other_id: uuid.UUID
    reason: Line = ""


class MergeOut(Schema):
    id: uuid.UUID
    survivor_id: uuid.UUID
    loser_id: uuid.UUID
    reason: str
    created_at: datetime
    undone_at: datetime | None


class IdentityQuery(PageQuery):
    network: Annotated[str, AfterValidator(clean), Field(max_length=40)] = ""
    external_id: Annotated[str, AfterValidator(clean), Field(max_length=500)] = ""
    person_id: uuid.UUID | None = None


class LinkIn(Taken):
    person_id: uuid.UUID


# --- companies ------------------------------------------------------------------------------------------------------


class OrganizationFields(Taken):
    domain: Annotated[str, Field(max_length=255, pattern=r"^[A-Za-z0-9.-]*$")] = ""
    website: Annotated[str, Field(max_length=500, pattern=r"^(https?://[^\s<>\"]*)?$")] = ""
    city: Short = ""
    country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    about: Annotated[str, AfterValidator(clean), Field(max_length=10_000)] = ""


class OrganizationIn(OrganizationFields):
    name: Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S"), AfterValidator(tidy)]


class OrganizationPatch(OrganizationFields):
    name: Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S"), AfterValidator(tidy)] = "-"


class OrganizationOut(Schema):
    id: uuid.UUID
    name: str
    domain: str
    website: str
    city: str
    country: str
    about: str
    created_at: datetime


class OrganizationQuery(PageQuery):
    q: Annotated[str, AfterValidator(tidy), Field(max_length=200)] = ""


class AffiliationIn(Taken):
    organization_id: uuid.UUID
    role: Annotated[str, AfterValidator(tidy), Field(max_length=200)] = ""


class AffiliationOut(Schema):
    id: uuid.UUID
    organization_id: uuid.UUID
    role: str
