"""The gate: may this go, now? Pure, and short enough to be read with its rules. First deny wins, then hold."""

from __future__ import annotations

from datetime import datetime

from kith.policy.rules import RULES, Rule, answers
from kith.policy.types import KINDS, ContactFacts, Decision, ProposedTouch, Rules

# Denials first, each group in the order in which the rules are written.
ORDER: tuple[Rule, ...] = tuple(sorted(RULES.values(), key=lambda rule: rule.outcome != "deny"))
_OF_KIND = {kind: tuple((r.test, r.name, r.outcome) for r in ORDER if kind in r.kinds) for kind in KINDS}
_ANSWER, _PLAIN = Decision("allow", "reply"), Decision("allow", "plain")


def decide(proposed: ProposedTouch, facts: ContactFacts, rules: Rules, now: datetime) -> Decision:
    """Allow, hold or deny, by which rule, why, and until when. `now` is aware."""
    for test, name, outcome in _OF_KIND[proposed.kind]:
        said = test(proposed, facts, rules, now)
        if said is not None and said is not False:
            values, until = said if isinstance(said, tuple) else (said, None)
            return Decision(outcome, name, values if isinstance(values, dict) else {}, until)
    return _ANSWER if answers(proposed) else _PLAIN
