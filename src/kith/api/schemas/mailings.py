"""Mailings and their dry runs, as they are read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from ninja import Schema

from kith.api.schemas.common import PageQuery

Outcome = Literal["allow", "hold", "deny", "none"]


class MailingOut(Schema):
    """`state`: draft, checking, checked, sending, stopped or done. `progress` of `total` people were asked about so far."""

    id: UUID
    title: str
    topic: str
    subject: str
    state: str
    channel_id: UUID
    author: str
    sent_by: str
    priority: int
    expires_days: int
    digest: bool
    progress: int
    total: int
    checked_at: datetime | None
    sent_at: datetime | None
    created_at: datetime


class FreeOut(Schema):
    """So many people would be free on this day."""

    day: date
    people: int


class ReasonOut(Schema):
    """`rule`: a rule of the gate, or "no_address". `free`: when those that it holds would be free."""

    outcome: Outcome
    rule: str
    people: int
    free: list[FreeOut]


class DryRunOut(Schema):
    """What the dry run said: people by outcome ("none": nobody can be reached there) and by reason; both are empty before it.
    `became`: people by what became of them since it was sent."""

    checked_at: datetime | None
    outcomes: dict[str, int]
    reasons: list[ReasonOut]
    became: dict[str, int]


class RecipientQuery(PageQuery):
    rule: str = ""
    outcome: Literal["", "allow", "hold", "deny", "none"] = ""


class RecipientOut(Schema):
    """One person of the dry run. `greeted_as` is empty where nobody is sure of a name; `sentence` says why."""

    person_id: UUID
    name: str
    address: str
    greeted_as: str
    outcome: Outcome
    rule: str
    sentence: str
    until: datetime | None
