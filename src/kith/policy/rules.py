"""The rules of the gate, in their order: denials first, then holds. The first that speaks decides.

Each gets the proposed touch, the facts, the company's policy and the time, and answers nothing, True, the values for its
sentence, or values and the time until which it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from kith.policy.pacing import by_day, full, pace_of, quiet_until
from kith.policy.types import (
    KINDS,
    SELLING,
    SENSITIVE,
    Approval,
    Cap,
    ContactFacts,
    Outcome,
    ProposedTouch,
    Rules,
)

T: TypeAlias = ProposedTouch
F: TypeAlias = ContactFacts
R: TypeAlias = Rules
Now: TypeAlias = datetime
Said = bool | dict[str, str] | tuple[dict[str, str], datetime | None] | None
Test = Callable[[ProposedTouch, ContactFacts, Rules, datetime], Said]
WORD = re.compile(r"[\W_]+")
EVERY: frozenset[str] = frozenset(KINDS)
SENT = EVERY - {"link_identity", "infer"}


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    outcome: Outcome
    kinds: frozenset[str]
    test: Test
    approval: Approval = "nobody"


RULES: dict[str, Rule] = {}


def deny(kinds: frozenset[str]) -> Callable[[Test], Test]:
    return _rule("deny", kinds, "nobody")


def hold(kinds: frozenset[str], approval: Approval) -> Callable[[Test], Test]:
    return _rule("hold", kinds, approval)


def _rule(outcome: Outcome, kinds: frozenset[str], approval: Approval) -> Callable[[Test], Test]:
    def register(test: Test) -> Test:
        RULES[test.__name__] = Rule(test.__name__, outcome, kinds, test, approval)
        return test

    return register


def answers(t: T) -> bool:
    """A person's message to someone who is waiting for it."""
    return t.kind == "reply" and t.actor == "person"


def known(f: F) -> bool:
    """They have to do with us: they wrote, bought, invited us, or have a case."""
    return bool(f.last_inbound_at or f.wrote_on or f.open_case or f.invited or f.customer)


def personal(t: T, f: F, r: R) -> bool:
    """What a person writes about a matter of somebody who knows us, or says in public to be of help: no offer."""
    if t.kind != "outreach" or t.actor != "person" or t.purpose not in r.service_purposes:
        return False
    return t.channel == "public" or known(f)


def covers(pairs: frozenset[tuple[str, str]], t: T) -> bool:
    return bool(pairs) and not pairs.isdisjoint(
        ((t.channel, t.purpose), (t.channel, "all"), ("all", t.purpose), ("all", "all"))
    )


def is_sensitive(attribute: str) -> bool:
    """Of an attribute's name: "health", or a part of it such as "health.allergy"."""
    return attribute.partition(".")[0].casefold() in SENSITIVE


# Denials


@deny(EVERY)
def suppressed(t: T, f: F, r: R, now: Now) -> Said:
    """Never contact: nothing goes to someone who asked for that, on that channel or on any."""
    return bool(f.suppressed) and not f.suppressed.isdisjoint(("all", t.channel))


@deny(SENT)
def no_channel(t: T, f: F, r: R, now: Now) -> Said:
    """It is not said by which channel it would go."""
    return t.channel == "none"


@deny(SENT)
def network_sends(t: T, f: F, r: R, now: Now) -> Said:
    """The network takes no messages from us."""
    return not t.network.sends and {"network": t.network.title}


@deny(SENT)
def network_automation(t: T, f: F, r: R, now: Now) -> Said:
    """The network forbids automatic messages."""
    return t.actor == "automation" and not t.network.automatic_reply and {"network": t.network.title}


@deny(SENT)
def network_start(t: T, f: F, r: R, now: Now) -> Said:
    """On this network they must write first."""
    if t.network.may_start_conversation or f.last_inbound_at or t.answers_inbound:
        return None
    return {"network": t.network.title}


@deny(SENT)
def network_window(t: T, f: F, r: R, now: Now) -> Said:
    """The network's window for answers has closed."""
    hours = t.network.reply_window_hours
    if hours is None or (f.last_inbound_at and now - f.last_inbound_at <= timedelta(hours=hours)):
        return None
    return {"network": t.network.title, "hours": str(hours)}


@deny(SENT)
def network_length(t: T, f: F, r: R, now: Now) -> Said:
    """Longer than the network takes."""
    limit = t.network.text_length
    if limit is None or t.text_length <= limit:
        return None
    return {"network": t.network.title, "limit": str(limit), "length": str(t.text_length)}


@deny(frozenset({"link_identity"}))
def network_link(t: T, f: F, r: R, now: Now) -> Said:
    """The network forbids that its accounts are linked to other identities; only what they said themselves counts."""
    own_word = f.identity_evidence == "self_declared"
    return not t.network.may_link_identity and not own_word and {"network": t.network.title}


@deny(frozenset({"infer"}))
def network_infer(t: T, f: F, r: R, now: Now) -> Said:
    """The network forbids that anything is concluded from what is said there."""
    return not t.network.may_infer and {"network": t.network.title}


@deny(EVERY)
def source_deleted(t: T, f: F, r: R, now: Now) -> Said:
    """What it relies on was deleted by its author: it is not ours to use any more."""
    gone = next((used for used in t.based_on if used.deleted_upstream), None)
    return {"fact": gone.attribute} if gone else None


@deny(EVERY)
def sensitive(t: T, f: F, r: R, now: Now) -> Said:
    """Nothing sensitive is inferred, nor used unless they told us: health, pregnancy, finances, politics, race, religion,
    sex life, union membership, crime, minors. What they say in public may be answered, but sells nothing."""
    infers, purpose = t.kind == "infer", t.purpose.casefold()
    if infers and (is_sensitive(t.concludes) or not SENSITIVE.isdisjoint((purpose, *WORD.split(purpose)))):
        return {"fact": t.concludes if is_sensitive(t.concludes) else t.purpose}
    said: tuple[str, ...] = (
        () if infers else ("told_us",) if t.kind in SELLING else ("told_us", "public_post")
    )
    for used in t.based_on:
        if used.origin not in said and is_sensitive(used.attribute):
            return {"fact": used.attribute}
    return None


@deny(SELLING)
def minor(t: T, f: F, r: R, now: Now) -> Said:
    """Nothing is sold to children."""
    return "minor" in f.flags


@deny(frozenset({"reply", "acknowledgement"}))
def automatic_loop(t: T, f: F, r: R, now: Now) -> Said:
    """An automatic answer never answers an automatic message, an automatic sender, or ourselves."""
    return not answers(t) and (f.message_automatic or f.is_automated or f.is_us)


@deny(frozenset({"reply", "acknowledgement"}))
def automatic_forged(t: T, f: F, r: R, now: Now) -> Said:
    """An automatic answer goes only to a sender whose address was proven: others would get it as backscatter."""
    return not answers(t) and not f.sender_authenticated


@deny(frozenset({"reply", "acknowledgement"}))
def automatic_daily(t: T, f: F, r: R, now: Now) -> Said:
    """At most one automatic answer to a sender in a day."""
    return not answers(t) and f.automatic_replies_24h > 0


@deny(frozenset({"outreach"}))
def outreach_automation(t: T, f: F, r: R, now: Now) -> Said:
    """Nobody who did not write to us is written to by a machine."""
    return t.actor != "person"


@deny(frozenset({"outreach", "infer"}))
def outreach_noindex(t: T, f: F, r: R, now: Now) -> Said:
    """Authors who ask not to be found are not sought out, and nothing is concluded from what they say."""
    asked = t.kind == "outreach" and (f.invited or f.open_case)
    return not asked and not f.flags.isdisjoint(("noindex", "protected"))


@deny(frozenset({"reply", "outreach"}))
def channel_jump(t: T, f: F, r: R, now: Now) -> Said:
    """What was said in public is answered in public: not by phone, mail or direct message, unless they have an open case
    with us, have written to us on that channel, or invited it."""
    if t.channel in ("public", "none") or f.open_case or f.invited or t.channel in f.wrote_on:
        return None
    if t.kind == "reply" and f.wrote_on == {"public"}:
        return True
    return any(used.origin == "public_post" for used in t.based_on)


@deny(SENT)
def unsubscribed(t: T, f: F, r: R, now: Now) -> Said:
    """Unsubscribed stops selling, and answers that nobody asked for. It does not stop the answer to a question."""
    if not f.unsubscribed or f.unsubscribed.isdisjoint(("all", t.channel)) or t.kind == "transactional":
        return None
    asked = f.last_inbound_at or f.wrote_on or f.open_case or f.invited or t.answers_inbound
    return not (asked and (answers(t) or personal(t, f, r)))


@deny(EVERY - {"acknowledgement", "link_identity"})
def objection(t: T, f: F, r: R, now: Now) -> Said:
    """They object to this purpose. A person's answer is no purpose."""
    if not f.objections or answers(t):
        return None
    sells = ("selling", "marketing", "direct_marketing") if t.kind in SELLING or t.kind == "infer" else ()
    return not f.objections.isdisjoint((t.purpose, "all", *sells)) and {"purpose": t.purpose}


@deny(frozenset({"campaign", "sequence", "outreach", "transactional"}))
def consent_withdrawn(t: T, f: F, r: R, now: Now) -> Said:
    """They withdrew their consent to this purpose on this channel; that they are a customer does not bring it back."""
    return covers(f.withdrawn, t) and {"purpose": t.purpose}


@deny(frozenset({"campaign", "sequence"}))
def consent_missing(t: T, f: F, r: R, now: Now) -> Said:
    """No legal basis: selling needs consent for this purpose on this channel. Customers may have mail about similar
    products until they object."""
    if t.channel not in r.consent_channels or covers(f.consents, t):
        return None
    basis = dict(r.basis).get(t.purpose, "consent")
    if basis == "interest" or (f.customer and (basis == "contract" or t.channel in r.similar_channels)):
        return None
    return {"purpose": t.purpose}


# Holds


@hold(SELLING, "manager")
def open_complaint(t: T, f: F, r: R, now: Now) -> Said:
    """Nothing is sold to someone whose complaint is open."""
    return f.open_case == "angry" and not personal(t, f, r)


@hold(SELLING | {"infer"}, "manager")
def gift(t: T, f: F, r: R, now: Now) -> Said:
    """One purchase for somebody else, or for we don't know whom, is no interest of theirs."""
    for used in t.based_on:
        if used.about == "gift" or (used.origin == "purchase" and used.about != "self"):
            return {"fact": used.attribute}
    return None


@hold(SELLING | {"infer"}, "manager")
def surprise(t: T, f: F, r: R, now: Now) -> Said:
    """It relies on what they never told us, or said elsewhere for another purpose: it would surprise them."""
    helps = personal(t, f, r)
    for used in t.based_on:
        served = helps or not used.purposes.isdisjoint((t.purpose, t.kind, "all"))
        if not served or used.origin not in ("told_us", "public_post", "purchase"):
            return {"fact": used.attribute, "origin": used.origin}
    return None


@hold(frozenset({"link_identity"}), "author")
def identity_evidence(t: T, f: F, r: R, now: Now) -> Said:
    """Accounts that only look alike are not linked: it needs their own word, or a person's decision."""
    return f.identity_evidence not in ("self_declared", "public_statement")


@hold(frozenset({"reply"}), "author")
def automatic_reply(t: T, f: F, r: R, now: Now) -> Said:
    """People answer people: an answer that a machine wrote waits for a person's click."""
    return t.actor != "person"


@hold(SENT, "author")
def name(t: T, f: F, r: R, now: Now) -> Said:
    """The name in the greeting is not how they want to be called, or nobody is sure of it."""
    used = t.name_used
    if not used or answers(t):
        return None
    unsure = f.name_confidence is not None and f.name_confidence < r.name_confidence
    if f.preferred_name:
        mine, theirs = used.casefold(), f.preferred_name.casefold()
        if mine != theirs and not mine.startswith(theirs + " "):
            return {"name": used, "preferred": f.preferred_name}
        return unsure and {"name": used, "preferred": ""}
    return (unsure or f.name_confidence is None) and {"name": used, "preferred": ""}


@hold(frozenset({"outreach"}), "author")
def first_contact(t: T, f: F, r: R, now: Now) -> Said:
    """A person's offer to someone who has neither agreed to it, nor written to us on that channel, nor invited it, nor bought
    (by mail) needs a legal basis: whoever sends it says which."""
    if t.channel not in r.consent_channels or t.purpose in r.service_purposes or covers(f.consents, t):
        return None
    bought = f.customer and t.channel in r.similar_channels
    return not (bought or f.open_case or f.invited or t.channel in f.wrote_on)


@hold(SELLING, "nobody")
def paused(t: T, f: F, r: R, now: Now) -> Said:
    """They asked for a pause."""
    return ({}, f.paused_until) if f.paused_until and f.paused_until > now else None


@hold(SELLING, "nobody")
def wish(t: T, f: F, r: R, now: Now) -> Said:
    """They chose themselves how many they want in a month."""
    if f.wish_month is None:
        return None
    return by_day(full((Cap("wish", 30, f.wish_month),), f, now), f, r)


@hold(SELLING, "manager")
def pace(t: T, f: F, r: R, now: Now) -> Said:
    """Enough for now: caps by year, month and week and a gap, over all divisions and channels together. An answer of a
    person to someone who wrote lately is not paced."""
    if not f.touches:
        return None
    lately = f.last_inbound_at and now - f.last_inbound_at <= timedelta(days=r.answer_days)
    if lately and t.kind == "outreach" and t.actor == "person":
        return None
    mine = pace_of(f, r)
    return by_day(full(mine.caps, f, now, timedelta(hours=mine.gap_hours)), f, r)


@hold(SENT, "author")
def quiet_hours(t: T, f: F, r: R, now: Now) -> Said:
    """At night nothing rings, and nothing of ours begins; unless it is urgent, or they are awake and wrote just now."""
    began = t.kind in SELLING and t.channel != "letter"
    if not began and (t.channel not in r.rings or t.urgent):
        return None
    awake = f.last_inbound_at and now - f.last_inbound_at <= timedelta(hours=r.awake_hours)
    if awake and t.kind in ("reply", "acknowledgement"):
        return None
    until = quiet_until(f.time_zone, r, now)
    return ({}, until) if until else None


@hold(SENT, "author")
def bounced(t: T, f: F, r: R, now: Now) -> Said:
    """The last message to this address came back; a person looks at the address first."""
    return f.bounced and not t.answers_inbound
