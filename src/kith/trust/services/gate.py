"""The gate: gathers the facts, asks `policy.decide`, writes Touch and Decision, and hands out Clearances."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.utils import translation

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.core import audit
from kith.networks.selectors import network_rules
from kith.policy.decide import decide
from kith.policy.rules import RULES, personal
from kith.policy.types import Channel, ContactFacts, Evidence, Kind, NetworkRules, ProposedTouch, Rules
from kith.policy.types import Decision as PolicyDecision
from kith.policy.ways import elsewhere
from kith.teams.models import User
from kith.teams.selectors import may_manage
from kith.trust.gather import gather, readable
from kith.trust.models import Decision, Touch
from kith.trust.sentences import sentence
from kith.trust.types import Clearance, GateResult, UsedFact, Verdict, make_clearance

_SEVERITY = {"allow": 0, "hold": 1, "deny": 2}


@dataclass(frozen=True, slots=True)
class TouchRequest:
    """One message to some identities (none: a public post), before it may go.

    `names`: what each identity is greeted by, where it is not `name_used`; `identity_evidence` and `concludes` are of
    what is no message: whose an account is, and what we conclude.
    """

    kind: Kind
    channel: Channel
    network: str
    identity_ids: tuple[uuid.UUID, ...]
    subject_id: uuid.UUID | None = None
    actor: str = "person"
    purpose: str = "service"
    text_length: int = 0
    answers_inbound: bool = False
    user: User | None = None
    division_id: uuid.UUID | None = None
    name_used: str = ""
    names: Mapping[uuid.UUID, str] = field(default_factory=dict)
    urgent: bool = False
    based_on: tuple[UsedFact, ...] = ()
    title: str = ""
    mailing_id: uuid.UUID | None = None
    priority: int = 0
    expires_at: datetime | None = None
    planned_for: datetime | None = None
    identity_evidence: Evidence = "none"
    concludes: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One recipient (None: a public post) with what was decided, by which policy, for which time."""

    identity_id: uuid.UUID | None
    contact_id: uuid.UUID | None
    proposed: ProposedTouch
    facts: ContactFacts
    decided: PolicyDecision
    rules: Rules
    at: datetime


def channel_of(medium: str, *, visibility: str) -> Channel:
    """The gate's channel for a network's medium."""
    if visibility == "public":
        return "public"
    return {"mail": "email", "sms": "sms", "phone": "phone", "letter": "letter"}.get(medium, "direct")  # type: ignore[return-value]


def gate_preview(request: TouchRequest) -> Verdict:
    """What the gate would say now; writes nothing. For the line beside the send button."""
    return verdict_of(worst_of(gate_details(request)).decided)


def gate_details(request: TouchRequest) -> list[Asked]:
    """What the gate would say of each recipient, with what it knows of them; writes nothing."""
    return _ask(request, with_people=False)


def worst_of(asked: Sequence[Asked]) -> Asked:
    """Of several recipients the one that decides about all."""
    return max(asked, key=lambda one: severity(one.decided))


def severity(decided: PolicyDecision) -> tuple[int, bool]:
    return _SEVERITY[decided.outcome], decided.rule == "plain"


def verdict_of(decided: PolicyDecision) -> Verdict:
    return Verdict(decided.outcome, decided.rule, sentence(decided.rule, decided.values), decided.until)


def touch_request(request: TouchRequest, *, override_reason: str = "") -> GateResult:
    """Ask the gate, in the running transaction: locks the contacts, writes a Touch and a Decision for each recipient.

    One recipient denied or held holds the whole message. `override_reason`: a person who may (see `may_approve`) sends a
    held (never a denied) one anyway, and says why.
    """
    with transaction.atomic():
        people_lock(request.identity_ids)
        asked = _ask(request)
        worst = worst_of(asked).decided
        approved = worst.outcome == "hold" and bool(override_reason) and may_approve_all(request.user, asked)
        allowed = worst.outcome == "allow" or approved
        touches, decisions = _write(request, asked, allowed=allowed, reason=override_reason)
        if approved:
            audit.record("gate_overridden", "touch", touches[0].id, reason=override_reason, rule=worst.rule)
    clearances: tuple[Clearance, ...] = ()
    if allowed:
        clearances = tuple(make_clearance(d.id, t.id) for t, d in zip(touches, decisions, strict=True))
    verdict = replace(verdict_of(worst), outcome="allow") if allowed else verdict_of(worst)
    return GateResult(clearances, verdict, tuple(t.id for t in touches))


def touch_request_each(request: TouchRequest) -> dict[uuid.UUID, GateResult]:
    """As `touch_request` for many messages, one to each identity: who is held holds nobody else. One transaction."""
    results: dict[uuid.UUID, GateResult] = {}
    with transaction.atomic():
        people_lock(request.identity_ids)
        for one in _ask(request):
            (touch,), (decision,) = _write(request, [one], allowed=one.decided.outcome == "allow", reason="")
            cleared = (make_clearance(decision.id, touch.id),) if one.decided.outcome == "allow" else ()
            if one.identity_id is not None:
                results[one.identity_id] = GateResult(cleared, verdict_of(one.decided), (touch.id,))
    return results


def may_approve(user: User | None, rule: str) -> bool:
    """Whether a person may send what this rule holds: its author, a manager; where only one user exists, that one."""
    if user is None or not user.may_write or rule not in RULES:
        return False
    by = RULES[rule].approval
    return by == "author" or (by == "manager" and may_manage(user))


def may_approve_all(user: User | None, asked: Sequence[Asked]) -> bool:
    """Whether a person may send to all of these, those that are held included."""
    return all(one.decided.outcome == "allow" or may_approve(user, one.decided.rule) for one in asked)


def _ask(request: TouchRequest, *, with_people: bool = True) -> list[Asked]:
    at = request.planned_for or now()
    gathered = gather(
        request.identity_ids,
        moment=at,
        acknowledges=request.kind == "acknowledgement",
        without=request.subject_id,
    )
    proposed = proposed_of(request)
    people: dict[uuid.UUID, uuid.UUID | None] = {}
    if with_people and request.identity_ids:
        people = dict(
            Identity.objects.filter(pk__in=request.identity_ids).values_list("id", "contact__canonical_id")
        )
    if not request.identity_ids:
        return [_one(None, None, proposed, ContactFacts(), gathered.rules, at)]
    return [
        _one(
            key,
            people.get(key),
            replace(proposed, name_used=request.names[key]) if key in request.names else proposed,
            _facts_for(request, gathered.facts[key]),
            gathered.rules,
            at,
        )
        for key in request.identity_ids
    ]


def _facts_for(request: TouchRequest, facts: ContactFacts) -> ContactFacts:
    if request.kind == "link_identity":
        return replace(facts, identity_evidence=request.identity_evidence)
    if not request.network:  # done by hand: a mail that came back is a reason to call
        return elsewhere(facts)
    return facts


def _one(
    key: uuid.UUID | None,
    contact: uuid.UUID | None,
    proposed: ProposedTouch,
    facts: ContactFacts,
    rules: Rules,
    at: datetime,
) -> Asked:
    # What a person writes about a matter of somebody who knows us is no offer, and takes no place in the ledger; but what was
    # said in public is looked at as what it is.
    if personal(proposed, facts, rules) and not any(u.origin == "public_post" for u in proposed.based_on):
        proposed = replace(proposed, kind="transactional")
    return Asked(key, contact, proposed, facts, decide(proposed, facts, rules, at), rules, at)


def proposed_of(request: TouchRequest) -> ProposedTouch:
    return ProposedTouch(
        kind=request.kind,
        channel=request.channel,
        actor="automation" if request.actor == "automation" else "person",
        purpose=request.purpose,
        name_used=request.name_used,
        urgent=request.urgent,
        based_on=tuple(used.plain() for used in request.based_on),
        text_length=request.text_length,
        answers_inbound=request.answers_inbound,
        concludes=request.concludes,
        network=network_declares(request.network),
    )


def network_declares(network: str) -> NetworkRules:
    """With the network's title in English: a decision is read in many languages. "": done by hand, on none of ours."""
    if not network:
        return NetworkRules()
    with translation.override("en"):
        return network_rules(network)


def _write(
    request: TouchRequest, asked: Sequence[Asked], *, allowed: bool, reason: str
) -> tuple[list[Touch], list[Decision]]:
    touches, decisions = [], []
    for one in asked:
        decided = one.decided
        held = Touch.State.DENIED if decided.outcome == "deny" else Touch.State.HELD
        touch = Touch(
            identity_id=one.identity_id,
            contact_id=one.contact_id,
            kind=one.proposed.kind,
            channel=request.channel,
            purpose=request.purpose,
            actor=request.actor,
            user=request.user,
            division_id=request.division_id,
            subject_id=request.subject_id,
            mailing_id=request.mailing_id,
            title=request.title[:200],
            name_used=one.proposed.name_used[:120],
            urgent=request.urgent,
            based_on=[used.kept() for used in request.based_on],
            priority=request.priority,
            expires_at=request.expires_at,
            state=Touch.State.ALLOWED if allowed else held,
            planned_for=request.planned_for or now(),
        )
        touches.append(touch)
        overridden = allowed and decided.outcome == "hold"
        decisions.append(
            decision_of(
                touch,
                decided,
                one.facts,
                allowed=allowed,
                by=request.user if overridden else None,
                reason=reason if overridden else "",
            )
        )
    Touch.objects.bulk_create(touches)
    Decision.objects.bulk_create(decisions)
    return touches, decisions


def decision_of(
    touch: Touch,
    decided: PolicyDecision,
    facts: ContactFacts,
    *,
    allowed: bool,
    by: User | None = None,
    reason: str = "",
) -> Decision:
    """The row that keeps what was decided, not yet saved. `allowed` with a hold: a person sends it anyway, and says why."""
    with translation.override("en"):
        words = sentence(decided.rule, decided.values)
    return Decision(
        touch=touch,
        outcome="allow" if allowed else decided.outcome,
        rule=decided.rule,
        sentence=words,
        values=dict(decided.values),
        until=decided.until,
        facts=readable(facts),
        overridden_by=by,
        override_reason=reason,
    )


def people_lock(identity_ids: Sequence[uuid.UUID]) -> None:
    """Lock the people (in one order), so that two touches to one of them are decided one after the other."""
    contacts = Contact.objects.filter(identities__in=identity_ids).values_list("canonical_id", flat=True)
    list(
        Contact.objects.select_for_update()
        .filter(pk__in=sorted(set(contacts)))
        .order_by("pk")
        .values_list("pk")
    )
    list(Identity.objects.select_for_update().filter(pk__in=identity_ids).order_by("pk").values_list("pk"))
