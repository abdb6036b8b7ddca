"""What would make a held or denied touch go: other words, another time, another channel, asking first, approval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from kith.policy.decide import decide
from kith.policy.rules import RULES
from kith.policy.sentences import REMEDIES
from kith.policy.types import Approval, Channel, ContactFacts, Decision, ProposedTouch, Rules

Means = Literal["words", "wait", "channel", "ask", "approve"]


@dataclass(frozen=True, slots=True)
class Way:
    """`means`, with `value`: the name to use ("" for none), the time, or the channel; `by`: who may approve."""

    means: Means
    value: str = ""
    until: datetime | None = None
    by: Approval = "nobody"


def elsewhere(facts: ContactFacts) -> ContactFacts:
    """What is known of them at another address: that a message came back says nothing of that."""
    return replace(facts, bounced=False) if facts.bounced else facts


def ways(
    proposed: ProposedTouch,
    facts: ContactFacts,
    rules: Rules,
    now: datetime,
    *,
    decided: Decision | None = None,
    channels: Iterable[Channel] = (),
) -> tuple[Way, ...]:
    """What is left to whoever wants to send it, the easiest first. Another channel or time is named only where the gate
    would allow it; `channels`: those on which they can be reached."""
    decided = decided or decide(proposed, facts, rules, now)
    if decided.outcome == "allow":
        return ()
    found: list[Way] = []
    for means in REMEDIES.get(decided.rule, ()):
        if means == "words":
            found.append(Way("words", facts.preferred_name if decided.rule == "name" else ""))
        elif means == "wait" and decided.until is not None:
            later = decide(proposed, facts, rules, decided.until)
            if later.outcome == "allow" or later.until is not None:
                found.append(Way("wait", until=later.until or decided.until))
        elif means == "wait":
            found.append(Way("wait"))
        elif means == "channel":
            for channel in channels:
                other = replace(proposed, channel=channel)
                if (
                    channel != proposed.channel
                    and decide(other, elsewhere(facts), rules, now).outcome == "allow"
                ):
                    found.append(Way("channel", channel))
        elif means == "ask":
            found.append(Way("ask"))
        elif means == "approve":
            by = RULES[decided.rule].approval
            found.append(Way("approve", by="author" if decided.outcome == "deny" else by))
    return tuple(found)
