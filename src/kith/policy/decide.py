"""The gate: may this go, now? Pure, and short enough to be read with its rules. First deny wins, then hold."""

from __future__ import annotations

from collections.abc import Iterator
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
        if said is None or said is False:
            continue
        values, until = said if isinstance(said, tuple) else (said, None)
        return Decision(outcome, name, values if isinstance(values, dict) else {}, until)
    return _ANSWER if answers(proposed) else _PLAIN


def decisions(
    proposed: ProposedTouch, facts: ContactFacts, rules: Rules, now: datetime
) -> Iterator[Decision]:
    """Every rule that has something to say, in order: for whoever wants to know all that stands in the way."""
    for rule in ORDER:
        if proposed.kind in rule.kinds:
            said = rule.test(proposed, facts, rules, now)
            if said is not None and said is not False:
                values, until = said if isinstance(said, tuple) else (said, None)
                yield Decision(rule.outcome, rule.name, values if isinstance(values, dict) else {}, until)
