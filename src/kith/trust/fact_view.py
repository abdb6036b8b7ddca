"""Of one fact: whether the gate would let it be used for offers, and why."""

from __future__ import annotations

from datetime import UTC, datetime

from kith.contacts.models import Fact
from kith.policy.decide import decide
from kith.policy.types import ContactFacts, ProposedTouch, Rules
from kith.trust.facts_used import used_fact
from kith.trust.services.gate import verdict_of
from kith.trust.types import Verdict

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_WILLING = ContactFacts(consents=frozenset({("all", "all")}), customer=True)


def fact_for_offers(fact: Fact) -> Verdict:
    """What the gate says of an offer that relies on this alone, to somebody who agreed to offers and had none."""
    purpose = next((p for p in fact.purposes if p != "service"), "offers")
    offer = ProposedTouch("campaign", "email", "person", purpose, based_on=(used_fact(fact).plain(),))
    return verdict_of(decide(offer, _WILLING, Rules(), _NOON))
