"""The gate's rules, one by one and as properties."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kith.policy.decide import ORDER, decide
from kith.policy.file import default_rules
from kith.policy.rules import RULES
from kith.policy.sentences import REMEDIES, SENTENCES, TO_THEM
from kith.policy.types import (
    Cap,
    ContactFacts,
    FactUse,
    NetworkRules,
    Pace,
    PastTouch,
    ProposedTouch,
    Rules,
)
from kith.policy.ways import ways
from tests.policy.facts import FACTS, NOW, TOUCHES, decisions

SHIPPED = default_rules()
REPLY = ProposedTouch("reply", "email", actor="person", answers_inbound=True)
WROTE = ContactFacts(
    last_inbound_at=NOW - timedelta(days=400), sender_authenticated=True, wrote_on=frozenset({"email"})
)
ACK = ProposedTouch("acknowledgement", "email", answers_inbound=True)
OFFER = ProposedTouch("campaign", "email", purpose="offers")
OUTREACH = ProposedTouch("outreach", "public", actor="person", purpose="offers")
READER = ContactFacts(consents=frozenset({("email", "offers")}), name_confidence=0.95)
LINK, INFER = ProposedTouch("link_identity"), ProposedTouch("infer", purpose="interest")
NIGHT = datetime(2026, 11, 3, 23, tzinfo=UTC)


def net(touch: ProposedTouch, **rules: object) -> ProposedTouch:
    return replace(touch, network=NetworkRules(**rules))  # type: ignore[arg-type]


def used(**rest: object) -> tuple[FactUse, ...]:
    return (FactUse(**{"attribute": "hobby", "origin": "told_us", "about": "self", **rest}),)  # type: ignore[arg-type]


CASES: dict[str, tuple[ProposedTouch, ContactFacts]] = {
    "suppressed": (REPLY, replace(WROTE, suppressed=frozenset({"email"}))),
    "no_channel": (replace(OFFER, channel="none"), READER),
    "network_sends": (net(REPLY, sends=False), WROTE),
    "network_automation": (net(ACK, automatic_reply=False), WROTE),
    "network_start": (
        net(replace(OUTREACH, channel="direct"), may_start_conversation=False),
        ContactFacts(),
    ),
    "network_window": (net(REPLY, reply_window_hours=24), WROTE),
    "network_length": (net(replace(REPLY, text_length=301), text_length=300), WROTE),
    "network_link": (net(LINK, may_link_identity=False), ContactFacts(identity_evidence="public_statement")),
    "network_infer": (net(INFER, may_infer=False), ContactFacts()),
    "source_deleted": (replace(REPLY, based_on=used(deleted_upstream=True)), WROTE),
    "sensitive": (replace(INFER, purpose="health"), ContactFacts()),
    "minor": (OFFER, replace(READER, flags=frozenset({"minor"}))),
    "automatic_loop": (ACK, replace(WROTE, message_automatic=True)),
    "automatic_forged": (ACK, replace(WROTE, sender_authenticated=False)),
    "automatic_daily": (ACK, replace(WROTE, automatic_replies_24h=1)),
    "outreach_automation": (replace(OUTREACH, actor="automation"), ContactFacts()),
    "outreach_noindex": (OUTREACH, ContactFacts(flags=frozenset({"protected"}))),
    "channel_jump": (
        replace(
            OUTREACH, channel="email", based_on=used(origin="public_post", purposes=frozenset({"offers"}))
        ),
        ContactFacts(),
    ),
    "unsubscribed": (OFFER, replace(READER, unsubscribed=frozenset({"email"}))),
    "objection": (OFFER, replace(READER, objections=frozenset({"offers"}))),
    "consent_withdrawn": (OFFER, replace(READER, withdrawn=frozenset({("email", "offers")}))),
    "consent_missing": (OFFER, ContactFacts()),
    "open_complaint": (OFFER, replace(READER, open_case="angry")),
    "gift": (replace(OFFER, based_on=used(origin="purchase", about="unknown")), READER),
    "surprise": (replace(OFFER, based_on=used(origin="inferred", purposes=frozenset({"offers"}))), READER),
    "identity_evidence": (LINK, ContactFacts(identity_evidence="guessed")),
    "automatic_reply": (replace(REPLY, actor="automation"), WROTE),
    "name": (replace(OFFER, name_used="Stphn"), replace(READER, name_confidence=0.1)),
    "first_contact": (replace(OUTREACH, channel="email"), ContactFacts()),
    "paused": (OFFER, replace(READER, paused_until=NOW + timedelta(days=1))),
    "wish": (OFFER, replace(READER, wish_month=0)),
    "pace": (OFFER, replace(READER, touches=(PastTouch(NOW - timedelta(days=2)),))),
    "quiet_hours": (OFFER, replace(READER, time_zone="Asia/Tokyo")),
    "bounced": (OFFER, replace(READER, bounced=True)),
}


@pytest.mark.parametrize("rule", CASES)
def test_each_rule_decides_its_case(rule: str) -> None:
    touch, facts = CASES[rule]
    decision = decide(touch, facts, SHIPPED, NOW)
    assert (decision.outcome, decision.rule) == (RULES[rule].outcome, rule)
    assert decision.reason
    assert "%" not in decision.reason


def test_every_rule_is_reached() -> None:
    assert set(CASES) == set(RULES)


def test_denials_come_first() -> None:
    outcomes = [rule.outcome for rule in ORDER]
    assert outcomes == sorted(outcomes)  # "deny" before "hold"


def test_a_plain_offer_and_a_plain_answer_are_allowed() -> None:
    assert decide(OFFER, READER, SHIPPED, NOW).rule == "plain"
    assert decide(REPLY, WROTE, SHIPPED, NOW).rule == "reply"


@pytest.mark.parametrize("rule", CASES)
def test_each_rule_says_what_would_help_or_that_nothing_does(rule: str) -> None:
    touch, facts = CASES[rule]
    left = ways(touch, facts, SHIPPED, NOW, channels=("public", "email"))
    by = [way.by for way in left if way.means == "approve"]
    assert {way.means for way in left} <= set(REMEDIES.get(rule, ()))
    if RULES[rule].outcome == "hold" and RULES[rule].approval != "nobody":
        assert by == [RULES[rule].approval]


def test_another_channel_is_named_only_where_the_gate_would_allow_it() -> None:
    touch, facts = CASES["channel_jump"]
    found = ways(touch, facts, SHIPPED, NOW, channels=("email", "sms", "public"))
    assert [way.value for way in found if way.means == "channel"] == ["public"]


WORSE: dict[str, Callable[[ProposedTouch, ContactFacts], tuple[ProposedTouch, ContactFacts]]] = {
    "suppressed": lambda t, f: (t, replace(f, suppressed=f.suppressed | {t.channel})),
    "unsubscribed": lambda t, f: (t, replace(f, unsubscribed=f.unsubscribed | {t.channel})),
    "objection": lambda t, f: (t, replace(f, objections=f.objections | {t.purpose})),
    "withdrawn": lambda t, f: (t, replace(f, withdrawn=f.withdrawn | {(t.channel, t.purpose)})),
    "no consent": lambda t, f: (t, replace(f, consents=frozenset())),
    "no customer": lambda t, f: (t, replace(f, customer=False)),
    "one more touch": lambda t, f: (
        t,
        replace(f, touches=(*f.touches, PastTouch(NOW - timedelta(hours=5)))),
    ),
    "less sure of the name": lambda t, f: (t, replace(f, name_confidence=0.0)),
    "angry": lambda t, f: (t, replace(f, open_case="angry" if f.open_case else None)),
    "a gift": lambda t, f: (replace(t, based_on=tuple(replace(u, about="gift") for u in t.based_on)), f),
    "deleted": lambda t, f: (
        replace(t, based_on=tuple(replace(u, deleted_upstream=True) for u in t.based_on)),
        f,
    ),
    "for no purpose": lambda t, f: (
        replace(t, based_on=tuple(replace(u, purposes=frozenset()) for u in t.based_on)),
        f,
    ),
    "never told": lambda t, f: (
        replace(
            t,
            based_on=tuple(
                replace(u, origin="someone_elses_access") if u.origin != "public_post" else u
                for u in t.based_on
            ),
        ),
        f,
    ),
    "one more fact": lambda t, f: (replace(t, based_on=(*t.based_on, FactUse("car"))), f),
    "noindex": lambda t, f: (t, replace(f, flags=f.flags | {"noindex"})),
    "minor": lambda t, f: (t, replace(f, flags=f.flags | {"minor"})),
    "automatic": lambda t, f: (t, replace(f, message_automatic=True)),
    "forged": lambda t, f: (t, replace(f, sender_authenticated=False)),
    "answered already": lambda t, f: (t, replace(f, automatic_replies_24h=f.automatic_replies_24h + 1)),
    "bounced": lambda t, f: (t, replace(f, bounced=True)),
    "paused": lambda t, f: (t, replace(f, paused_until=NOW + timedelta(days=30))),
    "wants fewer": lambda t, f: (t, replace(f, wish_month=0)),
    "no invitation": lambda t, f: (t, replace(f, invited=False)),
    "never wrote": lambda t, f: (t, replace(f, last_inbound_at=None, wrote_on=frozenset())),
    "guessed": lambda t, f: (t, replace(f, identity_evidence="guessed")),
    "by a machine": lambda t, f: (replace(t, actor="automation"), f),
    "not urgent": lambda t, f: (replace(t, urgent=False), f),
    "the network sends nothing": lambda t, f: (replace(t, network=replace(t.network, sends=False)), f),
}
SEVERITY = {"allow": 0, "hold": 1, "deny": 2}


@pytest.mark.parametrize("how", WORSE)
@settings(max_examples=150, deadline=None)
@given(touch=TOUCHES, facts=FACTS, night=st.booleans())
def test_a_decision_never_gets_milder_when_a_fact_gets_worse(
    how: str, touch: ProposedTouch, facts: ContactFacts, night: bool
) -> None:
    now = NIGHT if night else NOW
    before = decide(touch, facts, SHIPPED, now)
    worse_touch, worse_facts = WORSE[how](touch, facts)
    after = decide(worse_touch, worse_facts, SHIPPED, now)
    assert SEVERITY[after.outcome] >= SEVERITY[before.outcome], (before, after)


@settings(max_examples=300, deadline=None)
@given(touch=TOUCHES, facts=FACTS)
def test_the_first_of_all_rules_that_speak_decides(touch: ProposedTouch, facts: ContactFacts) -> None:
    said = list(decisions(touch, facts, SHIPPED, NOW))
    decided = decide(touch, facts, SHIPPED, NOW)
    assert decided == (said[0] if said else decided)
    assert (decided.outcome == "allow") == (not said)
    if any(one.outcome == "deny" for one in said):
        assert decided.outcome == "deny"
    assert "%(" not in decided.reason


@settings(max_examples=200, deadline=None)
@given(touch=TOUCHES, facts=FACTS)
def test_only_what_a_person_answers_goes_around_nothing_but_what_they_forbade(
    touch: ProposedTouch, facts: ContactFacts
) -> None:
    answer = replace(
        touch, kind="reply", actor="person", channel="email", based_on=(), network=NetworkRules()
    )
    free = replace(
        facts, suppressed=frozenset(), unsubscribed=frozenset(), bounced=False, wrote_on=frozenset({"email"})
    )
    assert decide(answer, free, SHIPPED, NIGHT).outcome == "allow"


@settings(max_examples=100, deadline=None)
@given(
    asked=st.lists(
        st.tuples(st.integers(0, 500 * 24), st.sampled_from(["Books", "Toys"])), min_size=1, max_size=120
    ),
    week=st.integers(1, 3),
    month=st.integers(1, 6),
    year=st.integers(1, 20),
    gap=st.sampled_from([0.0, 24.0, 72.0]),
)
def test_no_interleaving_of_two_divisions_exceeds_a_cap(
    asked: list[tuple[int, str]], week: int, month: int, year: int, gap: float
) -> None:
    pace = Pace((Cap("year", 365, year), Cap("month", 30, month), Cap("week", 7, week)), gap)
    rules = replace(Rules(), pace=pace, quiet_from=0.0, quiet_until=0.0)
    ledger: list[PastTouch] = []
    for hour, division in sorted(asked):
        at = NOW + timedelta(hours=hour)
        facts = replace(READER, touches=tuple(ledger))
        decided = decide(replace(OFFER, division=division), facts, rules, at)
        if decided.outcome == "allow":
            ledger.append(PastTouch(at, "campaign", division))
            continue
        # It is not held for nothing, and what was promised is kept: then there is room.
        assert decided.until is not None
        assert decided.until > at
        assert decide(OFFER, facts, rules, decided.until).outcome == "allow"
    times = [touch.at for touch in ledger]
    for cap in pace.caps:
        for end in times:
            inside = [at for at in times if end - timedelta(days=cap.days) < at <= end]
            assert len(inside) <= cap.limit
    assert all(b - a >= timedelta(hours=gap) for a, b in pairwise(times))


def test_planned_touches_count() -> None:
    planned = replace(READER, touches=(PastTouch(NOW + timedelta(days=1)),))
    assert decide(OFFER, planned, SHIPPED, NOW).rule == "pace"


def test_the_strictest_of_several_segments_counts() -> None:
    loose = Pace((Cap("year", 365, 99), Cap("month", 30, 20), Cap("week", 7, 9)), 0)
    tight = Pace((Cap("year", 365, 50), Cap("month", 30, 2), Cap("week", 7, 9)), 0)
    rules = replace(Rules(), segments=(("members", loose), ("tired", tight)), quiet_from=0.0, quiet_until=0.0)
    two = tuple(PastTouch(NOW - timedelta(days=n)) for n in (9, 12))
    member = replace(READER, segments=frozenset({"members"}), touches=two)
    assert decide(OFFER, member, rules, NOW).outcome == "allow"
    both = replace(member, segments=frozenset({"members", "tired"}))
    assert decide(OFFER, both, rules, NOW).values["window"] == "month"


def test_who_wrote_lately_may_be_answered_by_a_person_without_being_paced() -> None:
    facts = replace(
        WROTE, last_inbound_at=NOW - timedelta(days=13), touches=(PastTouch(NOW - timedelta(hours=1)),)
    )
    offer = replace(OUTREACH, channel="email")
    assert decide(offer, facts, SHIPPED, NOW).outcome == "allow"
    later = replace(facts, last_inbound_at=NOW - timedelta(days=15))
    assert decide(offer, later, SHIPPED, NOW).rule == "pace"
    bulk = replace(facts, consents=READER.consents)
    assert decide(OFFER, bulk, SHIPPED, NOW).rule == "pace"


@pytest.mark.parametrize("rule", sorted(TO_THEM))
def test_what_a_person_is_told_of_themselves_needs_no_more_than_the_sentence_of_the_rule(rule: str) -> None:
    def values(text: str) -> set[str]:
        return set(re.findall(r"%\((\w+)\)s", text))

    assert values(TO_THEM[rule]) <= values(SENTENCES[rule])
    assert not re.search(r"\b(they|them|their)\b", TO_THEM[rule], re.IGNORECASE)
