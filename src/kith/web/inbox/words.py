"""What the inbox calls things: trays, what colleagues did, when to be reminded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from kith.conversations.selectors import LogItem


def tray_name(tray: str) -> str:
    """Why a conversation is set aside, in a word."""
    names = {
        "spam": _("spam"),
        "bounce": _("bounce"),
        "automatic": _("automatic"),
        "auto_reply": _("automatic answer"),
        "list": _("newsletter"),
        "notification": _("notification"),
        "system": _("system"),
        "blocked": _("blocked"),
    }
    return names.get(tray, tray)


VIEW_ICONS = {
    "inbox": "inbox",
    "mine": "user",
    "unassigned": "user-plus",
    "waiting": "clock",
    "for_me": "at-sign",
    "snoozed": "alarm-clock",
    "unsent": "pause",
    "held": "archive",
    "closed": "check-check",
    "all": "layers",
}


def view_names() -> dict[str, str]:
    """The lists that everyone has, as the navigation calls them."""
    return {
        "inbox": _("Inbox"),
        "mine": _("Mine"),
        "unassigned": _("Unassigned"),
        "waiting": _("Waiting longest"),
        "for_me": _("For me"),
        "snoozed": _("Snoozed"),
        "unsent": _("Held back"),
        "held": _("Set aside"),
        "closed": _("Closed"),
        "all": _("All conversations"),
    }


def tray_reason(tray: str) -> str:
    """Why a conversation is set aside, in a sentence."""
    reasons = {
        "spam": _("It was called spam, by a colleague or by the server that took it."),
        "bounce": _("A server says that a mail of ours did not arrive."),
        "automatic": _("A machine wrote it, and nobody waits for an answer."),
        "auto_reply": _("An automatic answer, such as an absence note."),
        "list": _("It went to many at once: a newsletter or a mailing list."),
        "notification": _("A service tells of something that happened there."),
        "system": _("A machine wrote it, and nobody waits for an answer."),
        "blocked": _("A colleague blocked this sender."),
    }
    return reasons.get(tray, _("It does not look as if a person wrote to us."))


def unsent_name(state: str) -> str:
    """What became of an answer that did not go out."""
    return {"held": _("held back"), "failed": _("not delivered")}.get(state, _("perhaps sent"))


def unsent_reason(state: str, why: str) -> str:
    """Why an answer did not go out: what the gate or the other side said, else what is known."""
    if why:
        return why
    return {
        "held": _("The gate held it back."),
        "failed": _("The other side refused it."),
    }.get(state, _("The connection broke while it was sent: look there before you send it again."))


def log_sentence(item: LogItem) -> str:
    """One line for what a colleague (or Kith) did."""
    details, who = item.details, item.actor or _("Kith")
    to = str(details.get("to", "") or "")
    if item.kind == "assign":
        if not to:
            return _("%(who)s gave it to nobody") % {"who": who}
        if to == who:
            return _("%(who)s took it") % {"who": who}
        return _("%(who)s gave it to %(to)s") % {"who": who, "to": to}
    if item.kind == "team":
        return _("%(who)s gave it to the team %(to)s") % {"who": who, "to": to or _("none")}
    if item.kind == "status":
        sentences = {
            "closed": _("%(who)s closed it"),
            "open": _("%(who)s opened it again"),
            "snoozed": _("%(who)s snoozed it"),
        }
        return sentences.get(to, _("%(who)s changed the status")) % {"who": who}
    if item.kind == "tags":
        added, removed = details.get("added") or [], details.get("removed") or []
        if not removed:
            return _("%(who)s tagged it: %(tags)s") % {"who": who, "tags": ", ".join(map(str, added))}
        signs = [f"+{name}" for name in added] + [f"−{name}" for name in removed]
        return _("%(who)s changed tags: %(tags)s") % {"who": who, "tags": ", ".join(signs)}
    if item.kind == "complaint":
        said = _("%(who)s called it a complaint") if to else _("%(who)s said that it is no complaint")
        return said % {"who": who}
    sentences = {
        "priority": _("%(who)s changed the priority"),
        "tray": _("%(who)s moved it between inbox and set aside"),
        "block": _("%(who)s blocked the sender"),
        "join": _("%(who)s joined another conversation to this one"),
        "split": _("%(who)s split the conversation"),
        "move": _("%(who)s moved messages"),
        "woke": _("It woke up: the time had come"),
        "reopened": _("Opened again by a new message"),
        "unsubscribed": _("They asked for no more offers to this address, and get none"),
    }
    return sentences.get(item.kind, item.kind) % {"who": who}


def proof_words(results: Mapping[str, Any]) -> list[str]:
    """What was checked of a mail's sender ({"spf": "pass", ...}), a line each."""
    names = {
        "spf": _("The server that sent it may send for this domain (SPF)"),
        "dkim": _("Signed by the domain (DKIM)"),
        "dmarc": _("The domain vouches for the address (DMARC)"),
        "arc": _("Passed on with its proof (ARC)"),
    }
    told = {
        "pass": _("yes"),
        "fail": _("no"),
        "softfail": _("probably not"),
        "none": _("nothing to check"),
        "neutral": _("the domain does not say"),
        "temperror": _("could not be checked"),
        "permerror": _("could not be checked"),
    }
    return [
        f"{words}: {told.get(str(results[key]).lower(), str(results[key])[:60])}"
        for key, words in names.items()
        if results.get(key)
    ]


_ANSWERS = re.compile(r"(?:(?:re|aw|antw|sv|vs|rv|r|fwd?|wg|tr)(?:\[\d{1,3}\])?\s*:\s*)+", re.IGNORECASE)


def bare_subject(subject: str) -> str:
    """A subject without what mail programs put before it ("Re: Fwd: ...")."""
    found = _ANSWERS.match(subject.lstrip()[:300])
    return subject.lstrip()[found.end() :].strip() or subject if found else subject


@dataclass(frozen=True, slots=True)
class LaterChoice:
    text: str
    at: datetime


def later_choices() -> list[LaterChoice]:
    """Times to be reminded or to send, in the user's zone."""
    here = timezone.localtime().replace(second=0, microsecond=0)
    morning = here.replace(hour=9, minute=0)
    monday = morning + timedelta(days=(7 - here.weekday()) or 7)
    found = [LaterChoice(_("In three hours"), here + timedelta(hours=3))]
    if here.hour < 17:
        found.append(LaterChoice(_("This evening"), here.replace(hour=18, minute=0)))
    return [
        *found,
        LaterChoice(_("Tomorrow morning"), morning + timedelta(days=1)),
        LaterChoice(_("Monday morning"), monday),
        LaterChoice(_("In two weeks"), morning + timedelta(days=14)),
    ]
