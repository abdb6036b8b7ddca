"""The gate's rules, one by one and as properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kith.policy.decide import RULES, decide
from kith.policy.types import ContactFacts, NetworkRules, ProposedTouch

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
REPLY = ProposedTouch("reply", "email", answers_inbound=True)
WROTE = ContactFacts(last_inbound_at=NOW - timedelta(days=400), sender_authenticated=True)
OPEN = NetworkRules(title="Mail")
ACK = ProposedTouch("acknowledgement", "email", actor="automation", answers_inbound=True)

CASES = {
    "reply": (REPLY, WROTE, OPEN, "allow"),
    "suppressed": (REPLY, replace(WROTE, suppressed=frozenset({"email"})), OPEN, "deny"),
    "network_sends": (REPLY, WROTE, NetworkRules(sends=False), "deny"),
    "network_automation": (ACK, WROTE, NetworkRules(automatic_reply=False), "deny"),
    "network_start": (
        ProposedTouch("outreach", "direct"),
        ContactFacts(),
        NetworkRules(may_start_conversation=False),
        "deny",
    ),
    "network_window": (REPLY, WROTE, NetworkRules(reply_window_hours=24), "deny"),
    "network_length": (replace(REPLY, text_length=301), WROTE, NetworkRules(text_length=300), "deny"),
    "automatic_loop": (ACK, replace(WROTE, message_automatic=True), OPEN, "deny"),
    "automatic_forged": (ACK, replace(WROTE, sender_authenticated=False), OPEN, "deny"),
    "automatic_daily": (ACK, replace(WROTE, automatic_replies_24h=1), OPEN, "deny"),
    "outreach_automation": (
        ProposedTouch("outreach", "direct", actor="automation"),
        ContactFacts(),
        OPEN,
        "deny",
    ),
    "outreach_noindex": (
        ProposedTouch("outreach", "public"),
        ContactFacts(flags=frozenset({"noindex"})),
        OPEN,
        "deny",
    ),
    "bounced": (ProposedTouch("outreach", "email"), ContactFacts(bounced=True), OPEN, "hold"),
}


@pytest.mark.parametrize("rule", CASES)
def test_each_rule_decides_its_case(rule: str) -> None:
    touch, facts, rules, outcome = CASES[rule]
    decision = decide(touch, facts, rules, NOW)
    assert (decision.outcome, decision.rule) == (outcome, rule)


def test_every_rule_is_reached() -> None:
    assert set(RULES) <= set(CASES)


def test_an_acknowledgement_to_a_proven_person_is_allowed() -> None:
    assert decide(ACK, WROTE, OPEN, NOW).outcome == "allow"


touches = st.builds(
    ProposedTouch,
    kind=st.sampled_from(["reply", "acknowledgement", "outreach"]),
    channel=st.sampled_from(["email", "direct", "public"]),
    actor=st.sampled_from(["person", "automation"]),
    text_length=st.integers(0, 1000),
    answers_inbound=st.booleans(),
)
people = st.builds(
    ContactFacts,
    suppressed=st.frozensets(st.sampled_from(["all", "email", "direct", "public"])),
    bounced=st.booleans(),
    last_inbound_at=st.none() | st.just(NOW - timedelta(hours=3)),
    message_automatic=st.booleans(),
    sender_authenticated=st.booleans(),
    automatic_replies_24h=st.integers(0, 3),
    is_automated=st.booleans(),
    flags=st.frozensets(st.sampled_from(["noindex", "protected"])),
)
networks = st.builds(
    NetworkRules,
    text_length=st.none() | st.integers(1, 500),
    reply_window_hours=st.none() | st.integers(1, 48),
    may_start_conversation=st.booleans(),
    automatic_reply=st.booleans(),
    sends=st.booleans(),
)
SEVERITY = {"allow": 0, "hold": 1, "deny": 2}


@given(touches, people, networks)
def test_a_decision_never_gets_milder_when_a_fact_gets_worse(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules
) -> None:
    before = SEVERITY[decide(touch, facts, rules, NOW).outcome]
    for worse in (
        replace(facts, suppressed=facts.suppressed | {"all"}),
        replace(facts, bounced=True),
        replace(facts, message_automatic=True),
        replace(facts, sender_authenticated=False),
        replace(facts, automatic_replies_24h=facts.automatic_replies_24h + 1),
        replace(facts, is_automated=True),
        replace(facts, last_inbound_at=None),
        replace(facts, flags=facts.flags | {"noindex"}),
    ):
        assert SEVERITY[decide(touch, worse, rules, NOW).outcome] >= before


@given(touches, people, networks)
def test_deny_wins_over_hold(touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules) -> None:
    found = [d.outcome for rule in RULES.values() if (d := rule(touch, facts, rules, NOW))]
    expected = "deny" if "deny" in found else "hold" if "hold" in found else "allow"
    assert decide(touch, facts, rules, NOW).outcome == expected
