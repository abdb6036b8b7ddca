"""Topics x channels x how often: one form, on the page behind a link and in a visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.core.fields import as_number
from kith.trust.services import Proof, pause_set, resubscribe, stop_channels, unsubscribe, wish_set
from kith.trust.services.consents import PER_MONTH
from kith.trust.wishes import Wishes, wishes_of
from kith.web.my.frame import proof

PAUSES = (("30", 30), ("90", 90), ("180", 180))


def channel_words(channel: str) -> str:
    return {
        "email": _("by e-mail"),
        "sms": _("by SMS"),
        "phone": _("by phone"),
        "letter": _("by letter"),
        "direct": _("by direct message"),
    }.get(channel, channel)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form shows for one identity."""

    wishes: Wishes
    channel: str
    others: list[tuple[str, str, bool]]
    often: list[tuple[str, str, bool]]
    pauses: list[tuple[str, str]]
    asks: str  # the words beside the topics, which are kept as proof


def choices_of(identity: Identity) -> Choices:
    wishes = wishes_of(identity)
    words = {30: _("for a month"), 90: _("for three months"), 180: _("for half a year")}
    return Choices(
        wishes=wishes,
        channel=channel_words(wishes.channel),
        others=[(key, channel_words(key), closed) for key, closed in wishes.others],
        often=[
            (str(n or ""), _often(n, wishes.most), (wishes.per_month or None) == n)
            for n in (*PER_MONTH, *([wishes.per_month] if wishes.per_month not in (*PER_MONTH, 0) else []))
        ],
        pauses=[(value, words[days]) for value, days in PAUSES],
        asks=asks(wishes.channel),
    )


def asks(channel: str) -> str:
    return _("I want to hear about this %(how)s, until I say otherwise:") % {"how": channel_words(channel)}


def _often(number: int | None, most: int) -> str:
    if number is None:
        return (
            _("when there is something, at most %s in a month") % most
            if most
            else _("when there is something")
        )
    return _("at most once a month") if number == 1 else _("at most %s in a month") % number


def choices_apply(request: HttpRequest, identity: Identity, *, method: str, place: str) -> str:
    """Do what the form said; returns what was done, as a sentence. What it does not know changes nothing."""
    said = request.POST
    do = said.get("do", "")

    def told(text: str) -> Proof:
        return proof(request, method, text, place=place)

    if do == "unsubscribe":
        stop(identity, told(_("No more offers %s.") % channel_words(wishes_of(identity).channel)))
        return _("Done: you get no more offers this way.")
    if do == "pause":
        days = dict(PAUSES).get(said.get("pause", ""))
        if days is None:
            return ""
        pause_set(identity_id=identity.pk, until=now() + timedelta(days=days))
        return _("Done: you hear nothing from us until the pause is over, unless you write to us.")
    if do == "resume":
        pause_set(identity_id=identity.pk, until=None)
        return _("Done: the pause is over.")
    if do == "save":
        _save(identity, said, told)
        return _("Saved.")
    return ""


def stop(identity: Identity, told: Proof) -> None:
    unsubscribe(identity_id=identity.pk, channel=wishes_of(identity).channel, proof=told)


def _save(identity: Identity, said: QueryDict, told: Any) -> None:
    before = wishes_of(identity)
    offered = {topic.key: topic for topic in before.topics}
    ticked = [key for key in said.getlist("topic") if key in offered]
    # A box that we had ticked for them says nothing while they leave it so: only their own tick is a yes.
    left = [key for key in ticked if offered[key].as_customer]
    chosen = [key for key in ticked if key not in left]
    names = ", ".join(offered[key].name for key in chosen) or _("nothing")
    resubscribe(
        identity_id=identity.pk,
        channel=before.channel,
        topics=chosen,
        left=left,
        proof=told(f"{asks(before.channel)} {names}"),
    )
    others = [key for key, _closed in before.others]
    stopped = [key for key in said.getlist("stop") if key in others]
    closed = ", ".join(channel_words(key) for key in stopped) or _("nothing")
    stop_channels(
        identity_id=identity.pk,
        stopped=stopped,
        offered=others,
        proof=told(_("No offers: %s") % closed),
    )
    often = said.get("often", "")
    wanted = as_number(often, -1)
    if wanted >= 0 or not often:
        wish_set(identity_id=identity.pk, per_month=min(wanted, 31) if often else None)
