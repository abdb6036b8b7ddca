"""Mailings, and what their dry runs said: to be read. They are written and sent on their screens, where one sees whom it reaches."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kith.api import paging
from kith.api.access import Token, caller_of
from kith.api.problems import Problem
from kith.api.schemas import DryRunOut, MailingOut, Page, PageQuery, RecipientOut, RecipientQuery
from kith.campaigns import selectors
from kith.campaigns.models import Mailing
from kith.teams.types import Viewer
from kith.trust.sentences import sentence

router = Router(tags=["mailings"])
READ = Token("mailings:read")
NO_ADDRESS = "no_address"


def _viewer(request: HttpRequest) -> Viewer:
    viewer = caller_of(request).viewer
    if not viewer.may_write:
        raise Problem(403, "Who may only look has no mailings.")
    return viewer


def _mailing(request: HttpRequest, mailing_id: uuid.UUID) -> Mailing:
    found = selectors.mailing_of(_viewer(request), mailing_id)
    if found is None:
        raise Problem(404, "There is no such mailing.")
    return found


def _told(row: Mailing) -> dict[str, Any]:
    same = (
        *("id", "title", "subject", "state", "priority", "expires_days", "digest", "progress", "total"),
        *("checked_at", "sent_at", "created_at"),
    )
    return {
        "topic": row.purpose,
        "channel_id": row.account_id,
        "author": row.author.name if row.author else "",
        "sent_by": row.sent_by.name if row.sent_by else "",
        **{name: getattr(row, name) for name in same},
    }


@router.get("", auth=READ, response=Page[MailingOut], summary="Mailings, the newest first")
def mailings_list(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """Those of the channels that the token's user sees."""
    after = paging.decode(query.after, paging.as_uuid)
    rows = selectors.mailings_of(_viewer(request), before=after[0] if after else None, limit=query.limit + 1)
    shown, following = paging.page(rows, query.limit, lambda row: (row.pk,))
    return {"items": [_told(row) for row in shown], "next": following}


@router.get("/{uuid:mailing_id}", auth=READ, response=MailingOut, summary="One mailing")
def mailings_get(request: HttpRequest, mailing_id: uuid.UUID) -> Any:
    return _told(_mailing(request, mailing_id))


@router.get(
    "/{uuid:mailing_id}/dry-run", auth=READ, response=DryRunOut, summary="Who would get it, by reason"
)
def mailings_dry_run(request: HttpRequest, mailing_id: uuid.UUID) -> Any:
    row = _mailing(request, mailing_id)
    numbers = row.numbers or {}
    return {
        "checked_at": row.checked_at if numbers else None,
        "outcomes": numbers.get("outcomes", {}),
        "reasons": [
            {
                "outcome": outcome,
                "rule": rule,
                "people": people,
                "free": [{"day": day, "people": number} for day, number in days],
            }
            for outcome, rule, people, days in numbers.get("rules", [])
        ],
        "became": selectors.became(row) if row.sent_at else {},
    }


@router.get(
    "/{uuid:mailing_id}/people", auth=READ, response=Page[RecipientOut], summary="Whom it is for, one by one"
)
def mailings_people(request: HttpRequest, mailing_id: uuid.UUID, query: Query[RecipientQuery]) -> Any:
    """In the order of the list, with what the dry run said of each; those of one `rule` or `outcome`, or all."""
    row = _mailing(request, mailing_id)
    after = paging.decode(query.after, int)
    rows, following = selectors.recipients(
        row, rule=query.rule, outcome=query.outcome, after=after[0] if after else 0, limit=query.limit
    )
    return {
        "items": [_person(one) for one in rows],
        "next": paging.encode(following) if following is not None else None,
    }


def _person(one: selectors.RecipientRow) -> dict[str, Any]:
    return {
        "person_id": one.contact_id,
        "name": one.who,
        "address": one.address,
        "greeted_as": one.name,
        "outcome": one.outcome,
        "rule": one.rule,
        "sentence": "" if one.rule == NO_ADDRESS else sentence(one.rule, one.values),
        "until": one.until,
    }
