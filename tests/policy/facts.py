"""Hypothesis strategies for whatever the gate may be asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import get_args

from hypothesis import strategies as st

from kith.policy import types as t
from kith.policy.decide import ORDER

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
PURPOSES = st.sampled_from(["service", "newsletter", "offers", "pregnancy", ""])
CHANNELS = st.sampled_from(t.CHANNELS)
TIMES = st.integers(0, 400 * 24).map(lambda hours: NOW - timedelta(hours=hours))
PAIRS = st.frozensets(st.tuples(CHANNELS, PURPOSES), max_size=2)
SETS = st.frozensets(st.sampled_from([*t.CHANNELS, "all"]), max_size=2)
NETWORKS = st.one_of(
    st.just(t.NetworkRules()),
    st.builds(
        t.NetworkRules,
        title=st.just("Net"),
        text_length=st.sampled_from([None, 300]),
        reply_window_hours=st.sampled_from([None, 24]),
        may_start_conversation=st.booleans(),
        automatic_reply=st.booleans(),
        may_link_identity=st.booleans(),
        may_infer=st.booleans(),
    ),
)
USES = st.builds(
    t.FactUse,
    attribute=st.sampled_from(["hobby", "health", "pregnancy.month", "car"]),
    origin=st.sampled_from(get_args(t.Origin)),
    about=st.sampled_from(get_args(t.About)),
    deleted_upstream=st.sampled_from([False, False, False, True]),
    purposes=st.frozensets(PURPOSES, max_size=3),
)
TOUCHES = st.builds(
    t.ProposedTouch,
    kind=st.sampled_from(t.KINDS),
    channel=CHANNELS,
    actor=st.sampled_from(["person", "automation"]),
    purpose=PURPOSES,
    division=st.sampled_from(["", "Books"]),
    name_used=st.sampled_from(["", "", "Steve", "Stphn"]),
    urgent=st.booleans(),
    based_on=st.lists(USES, max_size=2).map(tuple),
    text_length=st.sampled_from([0, 500]),
    answers_inbound=st.booleans(),
    network=NETWORKS,
)
PAST = st.builds(
    t.PastTouch,
    at=TIMES,
    kind=st.sampled_from(["campaign", "outreach", "transactional"]),
    division=st.sampled_from(["Books", "Toys"]),
)
FACTS = st.builds(
    t.ContactFacts,
    time_zone=st.sampled_from(["", "Europe/Berlin", "Asia/Tokyo", "America/Los_Angeles"]),
    preferred_name=st.sampled_from(["", "Steve"]),
    name_confidence=st.sampled_from([0.0, 0.6, 0.9]),
    consents=PAIRS,
    withdrawn=PAIRS,
    unsubscribed=SETS,
    suppressed=st.one_of(st.just(frozenset[str]()), SETS),
    objections=st.frozensets(PURPOSES, max_size=1),
    wrote_on=SETS,
    touches=st.lists(PAST, max_size=5).map(tuple),
    last_inbound_at=st.one_of(st.none(), TIMES),
    invited=st.booleans(),
    customer=st.booleans(),
    open_case=st.sampled_from([None, "normal", "angry"]),
    identity_evidence=st.sampled_from(get_args(t.Evidence)),
    flags=st.frozensets(st.sampled_from(["noindex", "minor"]), max_size=1),
    message_automatic=st.booleans(),
    sender_authenticated=st.booleans(),
    automatic_replies_24h=st.integers(0, 2),
    wish_month=st.sampled_from([None, None, 0, 2]),
    paused_until=st.one_of(st.none(), st.just(NOW + timedelta(days=9))),
    bounced=st.booleans(),
)


def decisions(
    proposed: t.ProposedTouch, facts: t.ContactFacts, rules: t.Rules, now: datetime
) -> Iterator[t.Decision]:
    """Every rule that has something to say, in order: all that stands in the way, not only the first."""
    for rule in ORDER:
        if proposed.kind in rule.kinds:
            said = rule.test(proposed, facts, rules, now)
            if said is not None and said is not False:
                values, until = said if isinstance(said, tuple) else (said, None)
                yield t.Decision(rule.outcome, rule.name, values if isinstance(values, dict) else {}, until)
