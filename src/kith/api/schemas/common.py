"""What all that is taken and given is made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from kith.api.paging import LIMIT, MOST
from kith.base.text import clean

T = TypeVar("T")


def tidy(text: str) -> str:
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
Line = Annotated[str, AfterValidator(tidy), Field(max_length=300)]
Short = Annotated[str, AfterValidator(tidy), Field(max_length=120)]
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
