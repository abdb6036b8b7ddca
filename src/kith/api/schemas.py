"""What the API takes and gives. Everything taken is named here; a field that is not is refused."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from kith.api.paging import LIMIT, MOST
from kith.base.text import clean

T = TypeVar("T")


def _tidy(text: str) -> str:
    return clean(text).strip()


def _soon(at: datetime) -> datetime:
    """A time that people plan for, in UTC."""
    try:
        utc = at.astimezone(UTC)
    except OverflowError:
        raise ValueError("is too far away") from None
    if not 2000 <= utc.year <= 2200:
        raise ValueError("is too far away")
    return utc


Moment = Annotated[AwareDatetime, AfterValidator(_soon)]
Line = Annotated[str, AfterValidator(_tidy), Field(max_length=300)]
Short = Annotated[str, AfterValidator(_tidy), Field(max_length=120)]
Code = Annotated[str, Field(max_length=12, pattern=r"^[A-Za-z-]*$")]
Text = Annotated[str, AfterValidator(clean), Field(max_length=100_000)]
Limit = Annotated[int, Field(ge=1, le=MOST, description=f"Rows of a page, at most {MOST}.")]
After = Annotated[str, Field(max_length=1000, description="`next` of the page before.")]


class Taken(Schema):
    """Base of all that is taken: a field that is not named is refused."""

    model_config = ConfigDict(extra="forbid")


class Page(Schema, Generic[T]):
    items: list[T]
    next: str | None = None


class PageQuery(Taken):
    limit: Limit = LIMIT
    after: After = ""


# --- people ---------------------------------------------------------------------------------------------------------


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
    external_id: Annotated[str, AfterValidator(_tidy), Field(min_length=1, max_length=500)]
    realm: Annotated[str, AfterValidator(_tidy), Field(max_length=255)] = ""
    handle: Annotated[str, AfterValidator(_tidy), Field(max_length=500)] = ""
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
    tags: list[Annotated[str, AfterValidator(_tidy), Field(min_length=1, max_length=60)]] = Field(
        default_factory=list, max_length=50
    )
    identities: list[IdentityIn] = Field(default_factory=list, max_length=20)


class PersonPatch(PersonFields):
    """Only what is named is changed; "" takes a value away. `owner_id` null: nobody's."""

    owner_id: uuid.UUID | None = None
    tags: list[Annotated[str, AfterValidator(_tidy), Field(min_length=1, max_length=60)]] | None = Field(
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
        str, AfterValidator(_tidy), Field(max_length=200, description="Part of a name or handle.")
    ] = ""
    tag: Annotated[str, AfterValidator(_tidy), Field(max_length=60)] = ""


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
    name: Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S"), AfterValidator(_tidy)]


class OrganizationPatch(OrganizationFields):
    name: Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S"), AfterValidator(_tidy)] = "-"


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
    q: Annotated[str, AfterValidator(_tidy), Field(max_length=200)] = ""


class AffiliationIn(Taken):
    organization_id: uuid.UUID
    role: Annotated[str, AfterValidator(_tidy), Field(max_length=200)] = ""


class AffiliationOut(Schema):
    id: uuid.UUID
    organization_id: uuid.UUID
    role: str


# --- conversations --------------------------------------------------------------------------------------------------

Status = Literal["open", "snoozed", "closed"]


class ConversationOut(Schema):
    """`snippet` and `subject` are those of what the token's user may see. `tray` "": the inbox, else why it is held."""

    id: uuid.UUID
    status: Status
    subject: str
    snippet: str
    networks: list[str]
    is_public: bool
    tray: str
    assignee_id: uuid.UUID | None
    team_id: uuid.UUID | None
    priority: int
    identity_id: uuid.UUID | None
    person_id: uuid.UUID | None
    message_count: int
    last_at: datetime
    last_direction: str
    waiting_since: datetime | None
    snoozed_until: datetime | None
    tags: list[str]


class ConversationQuery(PageQuery):
    status: Status | None = None
    assignee: Literal["", "me", "none"] | uuid.UUID = Field(
        default="", description="A colleague's id, `me`, or `none`."
    )
    team_id: uuid.UUID | None = None
    person_id: uuid.UUID | None = None
    network: Annotated[str, AfterValidator(clean), Field(max_length=40)] = ""
    tag: Annotated[str, AfterValidator(_tidy), Field(max_length=60)] = ""
    held: bool = Field(default=False, description="The held tray in place of the inbox.")


class AssignIn(Taken):
    """Only what is named is changed; null takes it away."""

    assignee_id: uuid.UUID | None = None
    team_id: uuid.UUID | None = None


class SnoozeIn(Taken):
    until: Moment


class TagsIn(Taken):
    add: list[Annotated[str, AfterValidator(_tidy), Field(min_length=1, max_length=60)]] = Field(
        default_factory=list, max_length=20
    )
    remove: list[Annotated[str, AfterValidator(_tidy), Field(min_length=1, max_length=60)]] = Field(
        default_factory=list, max_length=20
    )


class NoteIn(Taken):
    text: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=20_000, pattern=r"\S")]


class ReplyIn(Taken):
    """`message_id`: which message is answered (the last one received, otherwise).

    `by_mail_from`: answer a chat's visitor by mail from this channel, at the address that they typed. Nothing is linked.
    `seen_message_id`: the newest message that you knew when you wrote; whatever came after it is a clash (409). Without
    it, a colleague's answer after the message that you answer is one. `confirm`: the `key` of the clash that you have read.
    """

    text: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=100_000, pattern=r"\S")]
    subject: Annotated[str, AfterValidator(_tidy), Field(max_length=500)] = ""
    message_id: uuid.UUID | None = None
    by_mail_from: uuid.UUID | None = None
    seen_message_id: uuid.UUID | None = None
    confirm: Annotated[str, Field(max_length=40)] = ""
    send_at: Moment | None = None


class SendIn(Taken):
    """A message to somebody who is known by an identity, from one of our channels."""

    channel_id: uuid.UUID
    identity_ids: list[uuid.UUID] = Field(min_length=1, max_length=20)
    text: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=100_000, pattern=r"\S")]
    subject: Annotated[str, AfterValidator(_tidy), Field(max_length=500)] = ""
    send_at: Moment | None = None


class VerdictOut(Schema):
    """What the gate said, and why."""

    outcome: Literal["allow", "hold", "deny"]
    rule: str
    sentence: str
    until: datetime | None


class SentOut(Schema):
    message_id: uuid.UUID
    conversation_id: uuid.UUID
    state: str
    verdict: VerdictOut


class AttachmentOut(Schema):
    id: uuid.UUID
    file_name: str
    content_type: str
    size: int


class MessageOut(Schema):
    id: uuid.UUID
    conversation_id: uuid.UUID | None
    network: str
    direction: str
    state: str
    at: datetime
    sender_id: uuid.UUID | None
    author_id: uuid.UUID | None
    subject: str
    text: str
    visibility: str
    automatic: str
    unreadable: str
    language: str
    url: str
    edited_at: datetime | None
    deleted_upstream_at: datetime | None
    attachments: list[AttachmentOut]


# --- the house ------------------------------------------------------------------------------------------------------


class HealthOut(Schema):
    last_item_at: datetime | None
    last_success_at: datetime | None
    last_error: str
    last_error_at: datetime | None
    failures_in_a_row: int
    lag_seconds: int | None


class ChannelOut(Schema):
    """One of our channels; credentials and settings are never given."""

    id: uuid.UUID
    network: str
    name: str
    address: str
    display_name: str
    state: str
    team_id: uuid.UUID | None
    created_at: datetime


class ChannelHealthOut(ChannelOut):
    health: HealthOut | None


class UserOut(Schema):
    id: uuid.UUID
    name: str
    role: str
    away: bool


class TeamOut(Schema):
    id: uuid.UUID
    name: str
    member_ids: list[uuid.UUID]


class TagOut(Schema):
    id: uuid.UUID
    name: str
    color: str
