"""The gate, for what answers need: pure, and short enough to be read. First deny wins, then hold.

A person's message to someone who wrote to us is a reply: it is never paced, and only what the person at the other end
forbade, or what the network can't do, stops it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from kith.policy.types import ContactFacts, Decision, NetworkRules, ProposedTouch

Rule = Callable[[ProposedTouch, ContactFacts, NetworkRules, datetime], Decision | None]
RULES: dict[str, Rule] = {}


def _rule(name: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        RULES[name] = rule
        return rule

    return register


@_rule("suppressed")
def _suppressed(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """Never contact: nothing goes to someone who asked for that, on that channel or on any."""
    if facts.suppressed & {"all", touch.channel}:
        return Decision("deny", "suppressed")
    return None


@_rule("network_sends")
def _network_sends(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """The network takes no messages from us."""
    return None if rules.sends else Decision("deny", "network_sends", {"network": rules.title})


@_rule("network_automation")
def _network_automation(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """The network forbids automatic answers."""
    if touch.actor == "automation" and not rules.automatic_reply:
        return Decision("deny", "network_automation", {"network": rules.title})
    return None


@_rule("network_start")
def _network_start(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """On this network they must write first."""
    if not rules.may_start_conversation and facts.last_inbound_at is None and not touch.answers_inbound:
        return Decision("deny", "network_start", {"network": rules.title})
    return None


@_rule("network_window")
def _network_window(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """The network's window for answers has closed."""
    if rules.reply_window_hours is None:
        return None
    if facts.last_inbound_at is None or now - facts.last_inbound_at > timedelta(
        hours=rules.reply_window_hours
    ):
        return Decision(
            "deny", "network_window", {"network": rules.title, "hours": str(rules.reply_window_hours)}
        )
    return None


@_rule("network_length")
def _network_length(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """Longer than the network takes."""
    if rules.text_length is not None and touch.text_length > rules.text_length:
        return Decision(
            "deny",
            "network_length",
            {"network": rules.title, "limit": str(rules.text_length), "length": str(touch.text_length)},
        )
    return None


@_rule("automatic_loop")
def _automatic_loop(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """An automatic answer never answers an automatic message, an automatic sender, or ourselves."""
    if touch.actor == "automation" and (facts.message_automatic or facts.is_automated or facts.is_us):
        return Decision("deny", "automatic_loop")
    return None


@_rule("automatic_forged")
def _automatic_forged(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """An automatic answer goes only to a sender whose address was proven: others would get it as backscatter."""
    if touch.kind == "acknowledgement" and not facts.sender_authenticated:
        return Decision("deny", "automatic_forged")
    return None


@_rule("automatic_daily")
def _automatic_daily(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """At most one automatic answer to a sender in a day."""
    if touch.kind == "acknowledgement" and facts.automatic_replies_24h > 0:
        return Decision("deny", "automatic_daily")
    return None


@_rule("outreach_automation")
def _outreach_automation(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """Nobody who did not write to us is written to by a machine."""
    if touch.kind == "outreach" and touch.actor == "automation":
        return Decision("deny", "outreach_automation")
    return None


@_rule("outreach_noindex")
def _outreach_noindex(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """Authors who ask not to be found are not sought out."""
    if touch.kind == "outreach" and facts.last_inbound_at is None and facts.flags & {"noindex", "protected"}:
        return Decision("deny", "outreach_noindex")
    return None


@_rule("bounced")
def _bounced(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Decision | None:
    """The last mail to this address came back; a person looks at the address first."""
    if facts.bounced and not touch.answers_inbound:
        return Decision("hold", "bounced")
    return None


def decisions(
    touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime
) -> Iterator[Decision]:
    """Every rule that has something to say."""
    for rule in RULES.values():
        decision = rule(touch, facts, rules, now)
        if decision is not None:
            yield decision


def decide(touch: ProposedTouch, facts: ContactFacts, rules: NetworkRules, now: datetime) -> Decision:
    """Allow, hold or deny, by which rule. `now` is aware; first deny wins, then hold."""
    held: Decision | None = None
    for decision in decisions(touch, facts, rules, now):
        if decision.outcome == "deny":
            return decision
        held = held or decision
    return held or Decision("allow", "reply" if touch.kind == "reply" else "plain")
