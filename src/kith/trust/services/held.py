"""What the gate held, asked about again: let go, held on, merged into another, sent anyway, dropped, or too old."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q

from kith.base.clock import now
from kith.core import audit
from kith.policy.types import ContactFacts
from kith.policy.types import Decision as PolicyDecision
from kith.teams.models import User
from kith.trust.gather import gather
from kith.trust.models import Touch
from kith.trust.services.gate import decision_of, may_approve, people_lock, verdict_of
from kith.trust.services.ledger import decide_again, parts_of
from kith.trust.types import Clearance, Verdict, make_clearance

State = Touch.State
ASK_AGAIN = timedelta(hours=1)  # what waits for a person or for news, not for an hour


@dataclass(frozen=True, slots=True)
class Held:
    """A held touch, locked with its person, and what the gate says of it now."""

    touch: Touch
    facts: ContactFacts
    decided: PolicyDecision

    @property
    def outcome(self) -> str:
        return self.decided.outcome

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.decided)


def held_of(identity_id: uuid.UUID) -> list[Held]:
    """Everything of mailings that is held for one identity, asked about anew: the highest priority first, then the oldest.
    In the running transaction, which locks the person."""
    people_lock([identity_id])
    touches = list(
        Touch.objects.select_for_update(of=("self",))
        .filter(identity_id=identity_id, state=State.HELD, subject_id=None)
        .exclude(mailing_id=None)
        .order_by("-priority", "id")
    )
    if not touches:
        return []
    gathered = gather([identity_id], moment=now())
    facts = gathered.facts[identity_id]
    return [Held(touch, facts, decide_again(touch, facts, gathered.rules)) for touch in touches]


def held_allow(
    held: Held, *, message_id: uuid.UUID, by: User | None = None, reason: str = ""
) -> Clearance | None:
    """Let it go as this message; None when the gate denies it, or holds it and nobody who may has said why it goes anyway."""
    anyway = held.outcome == "hold" and bool(reason) and may_approve(by, held.decided.rule)
    if held.outcome != "allow" and not anyway:
        return None
    touch = held.touch
    touch.state, touch.planned_for, touch.subject_id = State.ALLOWED, now(), message_id
    touch.save(update_fields=["state", "planned_for", "subject_id"])
    decision = decision_of(
        touch,
        held.decided,
        held.facts,
        allowed=True,
        by=by if anyway else None,
        reason=reason if anyway else "",
    )
    decision.save()
    if anyway:
        audit.record("gate_overridden", "touch", touch.pk, reason=reason, rule=held.decided.rule)
    return make_clearance(decision.pk, touch.pk)


def held_keep(held: Held) -> None:
    """Denied for good, or held on: with the new decision, and the time at which it is asked about again."""
    touch = held.touch
    decision_of(touch, held.decided, held.facts, allowed=False).save()
    touch.state = State.DENIED if held.outcome == "deny" else State.HELD
    touch.planned_for = max(held.decided.until or now() + ASK_AGAIN, now() + timedelta(minutes=1))
    touch.save(update_fields=["state", "planned_for"])


def held_merge(held: Sequence[Held], *, into: Touch) -> None:
    """These went within the message of another."""
    Touch.objects.filter(pk__in=[one.touch.pk for one in held]).update(
        state=State.MERGED, merged_into=into, made_at=now()
    )


def parts_back(message_id: uuid.UUID) -> int:
    """What was joined to a message that does not go waits again by itself; how many these were. In the running transaction."""
    return parts_of(message_id).update(state=State.HELD, merged_into=None, made_at=None, planned_for=now())


def touch_waits(touch_id: uuid.UUID) -> None:
    """A touch of a mailing, whose message was taken back for another's sake, waits again without a message."""
    Touch.objects.filter(pk=touch_id).update(state=State.HELD, subject_id=None, planned_for=now())


def touches_wait(touch_ids: Sequence[uuid.UUID]) -> None:
    """Note of newly held touches when each is asked about again: when its reason ends, or after an hour."""
    later = now() + ASK_AGAIN
    for touch in Touch.objects.filter(pk__in=touch_ids, state=State.HELD).prefetch_related("decisions"):
        said = touch.newest_decision()
        touch.planned_for = (said.until if said is not None else None) or later
        touch.save(update_fields=["planned_for"])


def touches_ask_again(fact_ids: Sequence[uuid.UUID]) -> int:
    """What is held and rests on one of these facts, which are gone, is asked about with the next look at the queue."""
    rests = Q()
    for key in fact_ids:
        rests |= Q(based_on__contains=[{"fact_id": str(key)}])
    held = Touch.objects.filter(state=State.HELD, subject_id=None)
    return held.filter(rests).update(planned_for=now()) if fact_ids else 0


def touches_drop(touch_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Take held touches of mailings out of the queue; returns those that were in it."""
    held = Touch.objects.filter(pk__in=touch_ids, state=State.HELD, subject_id=None).exclude(mailing_id=None)
    found = list(held.select_for_update().values_list("pk", flat=True))
    Touch.objects.filter(pk__in=found).update(state=State.CANCELLED)
    for key in found:
        audit.record("touch_dropped", "touch", key)
    return found


def touches_put_back(touch_ids: Sequence[uuid.UUID]) -> int:
    """The opposite: they wait again, and are asked about with the next look at the queue."""
    dropped = Touch.objects.filter(pk__in=touch_ids, state=State.CANCELLED, subject_id=None)
    return dropped.exclude(mailing_id=None).update(state=State.HELD, planned_for=now())


def touches_expire(*, limit: int = 1000) -> dict[uuid.UUID, int]:
    """What was held until it was too late, by mailing. In the running transaction."""
    due = list(
        Touch.objects.select_for_update(skip_locked=True)
        .filter(state=State.HELD, subject_id=None, expires_at__lte=now())
        .exclude(mailing_id=None)
        .order_by("id")[:limit]
    )
    Touch.objects.filter(pk__in=[touch.pk for touch in due]).update(state=State.EXPIRED)
    found: dict[uuid.UUID, int] = {}
    for touch in due:
        if touch.mailing_id is not None:
            found[touch.mailing_id] = found.get(touch.mailing_id, 0) + 1
    return found


def touches_named(messages: dict[uuid.UUID, uuid.UUID]) -> None:
    """Say of which message each touch is: {touch: message}."""
    touches = list(Touch.objects.filter(pk__in=list(messages)))
    for touch in touches:
        touch.subject_id = messages[touch.pk]
    Touch.objects.bulk_update(touches, ["subject_id"])
