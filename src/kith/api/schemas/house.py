"""Channels, webhooks, colleagues, teams, tags."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, Field

from kith.api.schemas.common import Taken, tidy


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


Kinds = Annotated[list[Annotated[str, Field(max_length=60)]], Field(min_length=1, max_length=30)]
Address = Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=1000, pattern=r"^https?://")]


class WebhookIn(Taken):
    """`url`: where to, by POST. `kinds`: of what, such as `message.received`; GET /webhooks/kinds has them all."""

    url: Address
    kinds: Kinds


class WebhookPatch(Taken):
    """Only what is named is changed. `paused` false forgets the failures and tells what has waited."""

    url: Address | None = None
    kinds: Kinds | None = None
    paused: bool | None = None


class WebhookOut(Schema):
    """Where news are sent. `created_by_id`: the colleague whose view it has; it is told of nothing that they can't see."""

    id: uuid.UUID
    url: str
    kinds: list[str]
    created_by_id: uuid.UUID | None
    created_at: datetime
    paused_at: datetime | None
    last_error: str
    failures_in_a_row: int
    next_try_at: datetime | None


class WebhookSecretOut(WebhookOut):
    """With the signing secret (Standard Webhooks), which is shown now and never again."""

    secret: str


class WebhookDeliveryOut(Schema):
    """One event and what became of it. `sent_as`: its `webhook-id` header, the same over every try; `kind` "ping" is a
    test. `status`: what the receiver answered last; null with an `error` where it did not."""

    id: uuid.UUID
    sent_as: str
    kind: str
    data: dict[str, Any]
    state: Literal["waiting", "sent", "skipped"]
    attempts: int
    status: int | None
    error: str
    created_at: datetime
    tried_at: datetime | None


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
