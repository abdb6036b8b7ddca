"""Reads of mailings: lists, results of dry runs, people by rule."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kith.campaigns.models import Mailing
from kith.contacts.names import person_name
from kith.core import sql
from kith.teams.types import Viewer

_PEOPLE = """
SELECT r.id, r.contact_id, c.preferred_name, c.family_name, c.name, coalesce(i.handle, ''), coalesce(i.external_id, ''),
       r.name, r.outcome, r.rule, r.values, r.until
FROM campaigns_recipient r JOIN contacts_contact c ON c.id = r.contact_id
LEFT JOIN contacts_identity i ON i.id = r.identity_id
WHERE r.mailing_id = %(mailing)s AND (%(rule)s = '' OR r.rule = %(rule)s)
  AND (%(outcome)s = '' OR r.outcome = %(outcome)s)
  AND (%(day)s::date IS NULL OR (r.until AT TIME ZONE 'UTC')::date = %(day)s) AND r.id > %(after)s ORDER BY r.id LIMIT %(limit)s
"""
_EXAMPLES = """
SELECT r.rule, x.* FROM (SELECT unnest(%(rules)s::text[]) AS rule) r, LATERAL (
    SELECT e.contact_id, c.preferred_name, c.family_name, c.name, coalesce(i.handle, ''), coalesce(i.external_id, '')
    FROM campaigns_recipient e JOIN contacts_contact c ON c.id = e.contact_id
    LEFT JOIN contacts_identity i ON i.id = e.identity_id
    WHERE e.mailing_id = %(mailing)s AND e.rule = r.rule ORDER BY e.id LIMIT 10) x
"""
_BECAME = """
SELECT coalesce(t.state, 'waiting'), count(*) FROM campaigns_recipient r LEFT JOIN trust_touch t ON t.id = r.touch_id
WHERE r.mailing_id = %(mailing)s AND r.outcome <> 'none' GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """One person of a dry run. `address` is the one that it would go to, "" where there is none."""

    id: int
    contact_id: uuid.UUID
    who: str
    address: str
    name: str
    outcome: str
    rule: str
    values: dict[str, Any]
    until: datetime | None


def mailings_of(viewer: Viewer, *, before: uuid.UUID | None = None, limit: int = 200) -> list[Mailing]:
    """Mailings of mailboxes that the viewer sees, the newest first; those before one, or all."""
    rows = Mailing.objects.filter(account__scope_id__in=viewer.scope_ids)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.select_related("account", "author", "sent_by").order_by("-id")[:limit])


def mailing_of(viewer: Viewer, mailing_id: uuid.UUID) -> Mailing | None:
    return (
        Mailing.objects.filter(pk=mailing_id, account__scope_id__in=viewer.scope_ids)
        .select_related("account__team", "author", "sent_by")
        .first()
    )


def recipients(
    mailing: Mailing,
    *,
    rule: str = "",
    outcome: str = "",
    day: date | None = None,
    after: int = 0,
    limit: int = 50,
) -> tuple[list[RecipientRow], int | None]:
    """People of the dry run in the order of the list, those of one rule, of one outcome, of those who would be free on one day,
    or all; and where the next page begins."""
    given = {"mailing": mailing.pk, "rule": rule, "outcome": outcome, "day": day, "after": after}
    found = sql.rows(_PEOPLE, {**given, "limit": limit + 1})
    rows = [_row(row) for row in found[:limit]]
    return rows, rows[-1].id if len(found) > limit else None


def recipients_all(mailing: Mailing) -> Iterator[RecipientRow]:
    """All of them, 2,000 at a time."""
    after: int | None = 0
    while after is not None:
        rows, after = recipients(mailing, after=after, limit=2000)
        yield from rows


def _row(row: tuple[Any, ...]) -> RecipientRow:
    key, contact, preferred, family, name, handle, external, greeted, outcome, rule, values, until = row
    who = person_name(preferred=preferred, family=family, name=name, handle=handle, external_id=external)
    if isinstance(values, str):
        import json

        values = json.loads(values)
    return RecipientRow(key, contact, who, handle or external, greeted, outcome, rule, values, until)


def examples(mailing: Mailing, rules: list[str]) -> dict[str, list[tuple[uuid.UUID, str]]]:
    """The first ten people of each rule: (contact, name). One query."""
    found: dict[str, list[tuple[uuid.UUID, str]]] = {rule: [] for rule in rules}
    for rule, contact, preferred, family, name, handle, external in sql.rows(
        _EXAMPLES, {"mailing": mailing.pk, "rules": rules}
    ):
        who = person_name(preferred=preferred, family=family, name=name, handle=handle, external_id=external)
        found[rule].append((contact, who))
    return found


def became(mailing: Mailing) -> dict[str, int]:
    """How many people's touches are in which state; "waiting" are those not asked about yet."""
    return dict(sql.rows(_BECAME, {"mailing": mailing.pk}))
