"""The dry run: the whole list through the gate, nothing written to the ledger; one row a person is kept of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.campaigns.errors import MailingError
from kith.campaigns.lists import people_of
from kith.campaigns.models import Mailing, Recipient
from kith.campaigns.words import uses_name
from kith.contacts.names import greeting_name
from kith.core import sql
from kith.core.jobs import defer
from kith.core.rows import copy
from kith.networks.selectors import manifest_of
from kith.trust.gather import company_rules
from kith.trust.services import TouchRequest, channel_of
from kith.trust.survey import Surveyed, survey
from kith.trust.types import UsedFact

State = Mailing.State
PART = 10_000
AT_ONCE = 500  # people whose check is not worth a job
NOBODY = ("none", "no_address")
# The address that works and was used last; a role address belongs to nobody.
_ADDRESSES = """
SELECT c.id, i.id, c.preferred_name, c.given_name, c.name_confidence
FROM contacts_contact c LEFT JOIN LATERAL (
    SELECT i.id FROM contacts_contact k JOIN contacts_identity i ON i.contact_id = k.id
    WHERE k.canonical_id = c.id AND i.network = %(network)s AND i.kind = 'person' AND i.blocked_at IS NULL
    ORDER BY i.bounced_at IS NOT NULL, i.last_seen_at DESC NULLS LAST, i.id LIMIT 1) i ON true
WHERE c.id = ANY (%(ids)s::uuid[]) AND c.deleted_at IS NULL AND c.id = c.canonical_id ORDER BY c.id
"""
_COLUMNS = (
    "mailing_id", "contact_id", "identity_id", "name", "outcome", "rule", "values", "until", "touch_id", "asked_at",
)  # fmt: skip
_NUMBERS = """
SELECT outcome, rule, (until AT TIME ZONE 'UTC')::date::text, count(*) FROM campaigns_recipient
WHERE mailing_id = %(mailing)s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def mailing_check(*, mailing: Mailing) -> Mailing:
    """Begin the dry run: done at once for a short list, else by a job with progress. Raises MailingError."""
    with transaction.atomic():
        mailing = Mailing.objects.select_for_update().get(pk=mailing.pk)
        if mailing.state not in (State.DRAFT, State.CHECKED, State.CHECKING):
            raise MailingError(_("This mailing is on its way already."))
        people = people_of(mailing)
        mailing.state, mailing.error = State.CHECKING, ""
        mailing.progress, mailing.total, mailing.numbers = 0, len(people), {}
        mailing.save()
        if len(people) > AT_ONCE:
            from kith.campaigns.jobs import check_run

            defer(check_run, mailing_id=str(mailing.pk), key=f"mailing-check:{mailing.pk}")
            return mailing
        check(mailing, people)
    return mailing


def check(mailing: Mailing, people: Sequence[uuid.UUID] | None = None) -> None:
    """Ask the gate about everybody on the list, part by part; ends when somebody changes the mailing meanwhile."""
    people = people_of(mailing) if people is None else people
    Recipient.objects.filter(mailing=mailing).delete()
    moment = now()
    for start in range(0, len(people), PART):
        rows = _asked(mailing, people[start : start + PART], moment)
        with transaction.atomic():
            here = Mailing.objects.select_for_update().filter(pk=mailing.pk, state=State.CHECKING)
            if not here.update(progress=min(start + PART, len(people)), total=len(people)):
                return
            copy(Recipient, _COLUMNS, rows)
    mailing.numbers = numbers_of(mailing)
    mailing.state, mailing.checked_at, mailing.progress = State.CHECKED, moment, len(people)
    Mailing.objects.filter(pk=mailing.pk, state=State.CHECKING).update(
        numbers=mailing.numbers, state=State.CHECKED, checked_at=moment, progress=len(people)
    )


def _asked(mailing: Mailing, people: Sequence[uuid.UUID], moment: Any) -> list[tuple[Any, ...]]:
    found = addresses(mailing, people)
    names = {identity: name for _person, identity, name in found if identity is not None}
    said: dict[uuid.UUID, Surveyed] = {}
    for part in survey(request_of(mailing, names), moment=moment):
        said.update((row[0], row) for row in part)
    rows: list[tuple[Any, ...]] = []
    for contact, identity, name in found:
        if identity is None:
            rows.append((mailing.pk, contact, None, name, *NOBODY, None, None, None, None))
        else:
            _key, outcome, rule, values, until = said[identity]
            rows.append(
                (mailing.pk, contact, identity, name, outcome, rule, values or None, until, None, None)
            )
    return rows


def addresses(mailing: Mailing, people: Sequence[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID | None, str]]:
    """(contact, identity on the channel's network or None, the name to greet by) of each that still exists."""
    named, enough = uses_name(mailing.subject, mailing.text), company_rules().name_confidence
    return [
        (
            contact,
            identity,
            greeting_name(preferred=preferred, given=given, confidence=sure)[:120]
            if named and sure >= enough
            else "",
        )
        for contact, identity, preferred, given, sure in sql.planned(
            _ADDRESSES, {"ids": "{" + ",".join(map(str, people)) + "}", "network": mailing.account.network}
        )
    ]


def request_of(mailing: Mailing, names: dict[uuid.UUID, str]) -> TouchRequest:
    """What the gate is asked: a machine sends it, so that the rules for machines hold."""
    manifest = manifest_of(mailing.account.network)
    team = mailing.account.team
    return TouchRequest(
        kind="campaign",
        channel=channel_of(manifest.medium if manifest else "", visibility="private"),
        network=mailing.account.network,
        identity_ids=tuple(names),
        actor="automation",
        purpose=mailing.purpose,
        text_length=len(mailing.text),
        user=mailing.sent_by or mailing.author,
        division_id=team.division_id if team else None,
        names=names,
        based_on=tuple(UsedFact.again(row) for row in mailing.based_on),
        title=mailing.title,
        mailing_id=mailing.pk,
        priority=mailing.priority,
    )


def numbers_of(mailing: Mailing) -> dict[str, Any]:
    """{"outcomes": {outcome: people}, "rules": [[outcome, rule, people, [[day, people], ...]], ...]}, the most first."""
    outcomes: dict[str, int] = {}
    rules: dict[tuple[str, str], dict[str, int]] = {}
    for outcome, rule, day, number in sql.rows(_NUMBERS, {"mailing": mailing.pk}):
        outcomes[outcome] = outcomes.get(outcome, 0) + number
        days = rules.setdefault((outcome, rule), {})
        days[day or ""] = days.get(day or "", 0) + number
    listed = [
        [outcome, rule, sum(days.values()), [[day, n] for day, n in sorted(days.items()) if day]]
        for (outcome, rule), days in rules.items()
    ]
    order = {"allow": 0, "hold": 1, "deny": 2, "none": 3}
    listed.sort(key=lambda row: (order[str(row[0])], -int(str(row[2]))))
    return {"outcomes": outcomes, "rules": listed}
