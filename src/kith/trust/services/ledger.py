"""The ledger of touches after their first decision: asked again when they are due, made, cancelled."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from kith.base.clock import now
from kith.policy.decide import decide
from kith.policy.types import Actor, Channel, ContactFacts, Kind, ProposedTouch, Rules
from kith.policy.types import Decision as PolicyDecision
from kith.trust.facts_used import uses_now
from kith.trust.gather import gather
from kith.trust.models import Touch
from kith.trust.services.gate import decision_of, people_lock, severity, verdict_of
from kith.trust.types import Verdict


def touches_made(touch_ids: Sequence[uuid.UUID]) -> None:
    Touch.objects.filter(pk__in=touch_ids).update(state=Touch.State.MADE, made_at=now())


def touches_cancel(subject_id: uuid.UUID) -> None:
    Touch.objects.filter(subject_id=subject_id).exclude(state=Touch.State.MADE).update(
        state=Touch.State.CANCELLED
    )


def parts_cancel(subject_id: uuid.UUID) -> None:
    """What was joined to a message does not go, either."""
    parts_of(subject_id).update(state=Touch.State.CANCELLED, made_at=None)


def touches_unsent(touch_ids: Sequence[uuid.UUID]) -> None:
    """What was not sent and is no use later (a code that somebody waits for): it waits for nobody."""
    Touch.objects.filter(pk__in=touch_ids, state__in=["held", "allowed"]).update(state=Touch.State.CANCELLED)


def touches_recheck(subject_id: uuid.UUID) -> Verdict | None:
    """Ask the gate once more, at the moment of sending, about a message that it allowed; None when it may still go.

    What changed meanwhile counts: an unsubscription, a cap that another division took, the night, a source that was
    deleted. Then the touches are held or denied, with the new decision. A hold that a person overrode, with a reason,
    stays overridden; a denial never. So does one in which something is joined that may not go any more.
    """
    with transaction.atomic():
        touches = list(
            Touch.objects.filter(subject_id=subject_id, state=Touch.State.ALLOWED)
            .prefetch_related("decisions")
            .order_by("id")
        )
        ids = [touch.identity_id for touch in touches if touch.identity_id is not None]
        if not ids:
            return None
        people_lock(ids)
        moment = now()
        gathered = gather(ids, moment=moment, without=subject_id)
        found = []
        parts = [
            decided
            for part in parts_of(subject_id)
            if part.identity_id in gathered.facts
            and (decided := decide_again(part, gathered.facts[part.identity_id], gathered.rules)).outcome
            != "allow"
        ]
        for touch in touches:
            if touch.identity_id is None:
                continue
            facts = gathered.facts[touch.identity_id]
            decided = decide_again(touch, facts, gathered.rules)
            before = touch.newest_decision()
            approved = before is not None and before.overridden_by_id is not None
            if decided.outcome == "deny" or (decided.outcome == "hold" and not approved):
                found.append((touch, facts, decided))
        if not found and not parts:
            return None
        for touch, facts, decided in found:
            touch.state = Touch.State.DENIED if decided.outcome == "deny" else Touch.State.HELD
            touch.save(update_fields=["state"])
            decision_of(touch, decided, facts, allowed=False).save()
        # One recipient denied or held holds the whole message.
        Touch.objects.filter(subject_id=subject_id, state=Touch.State.ALLOWED).update(state=Touch.State.HELD)
    return verdict_of(max([*(row[2] for row in found), *parts], key=severity))


def parts_of(subject_id: uuid.UUID) -> QuerySet[Touch]:
    """The other touches that go within one message, joined to its own."""
    joined = Touch.objects.filter(state=Touch.State.MERGED, merged_into__subject_id=subject_id)
    return joined.order_by("-priority", "id")


def decide_again(touch: Touch, facts: ContactFacts, rules: Rules) -> PolicyDecision:
    """What the gate says of a stored touch now. What the network takes was looked at when the message was written."""
    return decide(proposed_again(touch), facts, rules, now())


def proposed_again(touch: Touch) -> ProposedTouch:
    kind: Kind = touch.kind  # type: ignore[assignment]
    channel: Channel = touch.channel  # type: ignore[assignment]
    actor: Actor = touch.actor  # type: ignore[assignment]
    return ProposedTouch(
        kind=kind,
        channel=channel,
        actor=actor,
        purpose=touch.purpose,
        name_used=touch.name_used,
        urgent=touch.urgent,
        based_on=uses_now(touch.based_on),
        answers_inbound=kind in ("reply", "acknowledgement"),
    )
