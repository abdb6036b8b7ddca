"""What the gate would say of a draft, and what would make it allowed: for whoever writes, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kith.base.clock import now
from kith.contacts.selectors import identity_names
from kith.policy.decide import decide
from kith.policy.rules import RULES
from kith.policy.sentences import REMEDIES
from kith.policy.types import Channel, Rules
from kith.policy.ways import elsewhere, ways
from kith.trust.draft_facts import DraftFact
from kith.trust.sentences import sentence
from kith.trust.services.gate import (
    Asked,
    TouchRequest,
    gate_details,
    may_approve_all,
    network_declares,
    verdict_of,
    worst_of,
)
from kith.trust.types import Verdict

ASK: dict[str, Any] = {
    "name": gettext_lazy("Ask how they want to be called."),
    "network_window": gettext_lazy("Ask them to write to us again."),
    "channel_jump": gettext_lazy("Ask in public whether you may write to them here."),
    "consent_missing": gettext_lazy("Ask first whether they want this; their yes is kept as consent."),
    "first_contact": gettext_lazy("Ask first whether they want this; their yes is kept as consent."),
    "gift": gettext_lazy("Ask first whether this is for them."),
    "surprise": gettext_lazy("Ask first; then they have told you themselves."),
}
WORDS: dict[str, Any] = {
    "network_length": gettext_lazy("Shorten it, or send it in two parts."),
    "source_deleted": gettext_lazy("Leave out what its author deleted."),
    "sensitive": gettext_lazy("Leave out what they did not tell us."),
    "gift": gettext_lazy("Leave the purchase out."),
    "surprise": gettext_lazy("Leave out what they did not tell us."),
}
WAIT: dict[str, Any] = {"open_complaint": gettext_lazy("Wait until their complaint is solved.")}


@dataclass(frozen=True, slots=True)
class OtherWay:
    """Another way to reach them that the writer has; `value` names it to whoever asks."""

    value: str
    text: str
    channel: Channel
    network: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that would make it allowed, the easiest first.

    `means`: "name" (`value` is the one to write, "" for none), "words", "wait" (`until`), "channel" (`value`: the way),
    "ask", "invited", "anyway" (the writer may send it with a reason) or "manager" (who approves it).
    """

    means: str
    text: str = ""
    value: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the gate says of one of several recipients; `who` is "" for somebody we do not know yet."""

    who: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Advice:
    """`verdict`: the worst of all. `others`: of several, those who are not simply allowed. `doubt`: it may go, but.
    `name`: the one in the greeting; `facts`: what the draft uses of what is known of them."""

    verdict: Verdict
    steps: tuple[Step, ...] = ()
    others: tuple[Said, ...] = ()
    name: str = ""
    doubt: str = ""
    facts: tuple[DraftFact, ...] = ()


def gate_advice(request: TouchRequest, *, others: Sequence[OtherWay] = (), strangers: bool = False) -> Advice:
    """What the gate says of each recipient and what is left to the writer; writes nothing.

    `others`: ways that the writer has besides; `strangers`: it also goes to addresses that nobody here knows yet.
    """
    found = gate_details(request) if request.identity_ids or not strangers else []
    if strangers:
        named = "" if request.identity_ids else request.name_used
        found = [*found, *gate_details(replace(request, identity_ids=(), names={}, name_used=named))]
    worst = worst_of(found)
    several = _several(found) if len(found) > 1 else ()
    steps: tuple[Step, ...] = ()
    doubt, called = "", ""
    if worst.decided.outcome != "allow":
        steps = _steps(request, worst, found, others)
    else:
        doubt, called = _doubt(found)
        if doubt:
            steps = (_call(called),)
    used = next((one.proposed.name_used for one in found if one.proposed.name_used), "")
    return Advice(verdict_of(worst.decided), steps, several, used, doubt)


def _several(found: Sequence[Asked]) -> tuple[Said, ...]:
    """Those of several recipients who are not simply allowed."""
    stopped = [one for one in found if one.decided.outcome != "allow"]
    names = identity_names([one.identity_id for one in stopped if one.identity_id is not None])
    return tuple(
        Said(names[one.identity_id].name if one.identity_id in names else "", verdict_of(one.decided))
        for one in stopped[:10]
    )


def _steps(
    request: TouchRequest, worst: Asked, found: Sequence[Asked], others: Sequence[OtherWay]
) -> tuple[Step, ...]:
    decided, rule = worst.decided, worst.decided.rule
    made: list[Step] = []
    for way in ways(worst.proposed, worst.facts, worst.rules, worst.at, decided=decided):
        if way.means == "words" and rule == "name":
            made.append(_call(way.value))
        elif way.means == "words":
            made.append(Step("words", str(WORDS.get(rule, _("Say it in other words.")))))
        elif way.means == "wait":
            made.append(Step("wait", str(WAIT.get(rule, "")), until=way.until))
        elif way.means == "ask" and rule in ASK:
            made.append(Step("ask", str(ASK[rule])))
        elif way.means == "approve" and decided.outcome == "hold":
            made.append(Step("anyway" if may_approve_all(request.user, found) else "manager"))
    if rule == "channel_jump" and worst.identity_id is not None:
        made.append(Step("invited", value=str(worst.identity_id)))
    if "channel" in REMEDIES.get(rule, ()):
        made = [*_channels(worst, others), *made]
    return tuple(made)


def _channels(worst: Asked, others: Sequence[OtherWay]) -> list[Step]:
    made = []
    for other in others:
        there = replace(worst.proposed, channel=other.channel, network=network_declares(other.network))
        if decide(there, elsewhere(worst.facts), worst.rules, worst.at).outcome == "allow":
            made.append(Step("channel", other.text, other.value))
    return made[:3]


def _call(name: str) -> Step:
    text = _("Write “%(name)s”") % {"name": name} if name else _("Greet without a name")
    return Step("name", text, name)


def _doubt(found: Sequence[Asked]) -> tuple[str, str]:
    """A person's answer is never held for a name; but the one who writes is told how they are called."""
    for one in found:
        proposed, facts = one.proposed, one.facts
        if not proposed.name_used or not facts.preferred_name:
            continue
        said = RULES["name"].test(
            replace(proposed, kind="transactional"), facts, Rules(), facts.last_inbound_at or now()
        )
        if isinstance(said, dict):
            return sentence("name", said), facts.preferred_name
    return "", ""
