"""Double opt-in: what somebody typed into a form is asked for, and agreed to only by who reads mail at that address."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import transaction

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.trust import selectors
from kith.trust.models import Consent, Touch
from kith.trust.services.consents import Proof, consent_record, resubscribe
from kith.trust.wishes import wishes_of

CONFIRMATION = "confirmation"
ASKED_LASTS = timedelta(days=7)
PAUSE = timedelta(hours=1)


def subscription_ask(
    *, identity_id: uuid.UUID, channel: str, topics: Sequence[str], proof: Mapping[str, str]
) -> bool:
    """Write down that somebody asked for topics in the name of an address; whether a confirmation is to be mailed.

    None is where they agreed to all of it before, nor twice within an hour.
    """
    offered = {topic.key for topic in selectors.topics()}
    with transaction.atomic():
        list(Identity.objects.select_for_update().filter(pk=identity_id).values_list("pk"))
        told = Proof(
            method="form",
            text=proof.get("text", ""),
            language=proof.get("language", ""),
            place=proof.get("place", ""),
            address=proof.get("address", ""),
            agent=proof.get("agent", ""),
        )
        rows = [
            consent_record(
                identity_id=identity_id,
                purpose=key,
                channel=channel,
                status=Consent.Status.ASKED,
                proof=told,
            )
            for key in topics
            if key in offered
        ]
        if not any(row.status == Consent.Status.ASKED for row in rows):
            return False
        return (
            not Touch.objects.filter(
                identity_id=identity_id, purpose=CONFIRMATION, planned_for__gt=now() - PAUSE
            )
            .exclude(state=Touch.State.CANCELLED)
            .exists()
        )


def subscription_pending(identity: Identity) -> list[Consent]:
    """What was asked for and not answered, for a week."""
    newest: dict[tuple[str, str], Consent] = {}
    for row in Consent.objects.filter(identity=identity).order_by("given_at", "id"):
        newest[row.purpose, row.channel] = row
    limit = now() - ASKED_LASTS
    return [row for row in newest.values() if row.status == Consent.Status.ASKED and row.created_at > limit]


@transaction.atomic
def subscription_confirm(*, identity: Identity, proof: Proof) -> list[str]:
    """Agree to what is pending; returns the keys of the topics. The proof holds both times, texts and addresses."""
    pending = subscription_pending(identity)
    before = wishes_of(identity)
    for row in pending:
        both = Proof(
            method="double_opt_in",
            text=str(row.proof.get("text", "")),
            language=proof.language,
            place=proof.place,
            address=proof.address,
            agent=proof.agent,
            more=(
                ("asked_at", row.given_at.isoformat()),
                ("asked_address", str(row.proof.get("address", ""))),
                ("asked_place", str(row.proof.get("place", ""))),
                ("confirmed_at", now().isoformat()),
                ("confirmed_text", proof.text),
            ),
        )
        consent_record(
            identity_id=identity.pk,
            purpose=row.purpose,
            channel=row.channel,
            status=Consent.Status.GIVEN,
            proof=both,
        )
    keys = [row.purpose for row in pending]
    if keys and before.unsubscribed:
        resubscribe(identity_id=identity.pk, channel=pending[0].channel, proof=proof, topics=keys)
    return keys
