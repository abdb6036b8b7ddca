"""The gate's reasons in words, for the sender and for the customer alike."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

SENTENCES: dict[str, str] = {
    "reply": gettext_noop("They wrote to us; this answers them."),
    "plain": gettext_noop("Nothing speaks against it."),
    "suppressed": gettext_noop("They asked never to be contacted here."),
    "network_sends": gettext_noop("%(network)s takes no messages from us; answer there in your browser."),
    "network_automation": gettext_noop("%(network)s forbids automatic answers."),
    "network_start": gettext_noop("On %(network)s they must write to us first."),
    "network_window": gettext_noop(
        "%(network)s lets us answer within %(hours)s hours of their last message; that time is over. Ask them to "
        "write again, or use another channel."
    ),
    "network_length": gettext_noop(
        "%(network)s takes %(limit)s characters; this has %(length)s. Shorten it or send it in two parts."
    ),
    "automatic_loop": gettext_noop("Automatic messages are not answered automatically."),
    "automatic_forged": gettext_noop(
        "It is not proven that this sender is who they say, so nothing is sent by itself."
    ),
    "automatic_daily": gettext_noop("They had an automatic answer within the last day."),
    "outreach_automation": gettext_noop("Only a person may write to somebody who did not write to us."),
    "outreach_noindex": gettext_noop("The author asks not to be found, so we do not seek them out."),
    "bounced": gettext_noop("The last message to this address came back. Check the address first."),
}


def sentence(rule: str, values: Mapping[str, str] | None = None) -> str:
    """The rule's sentence in the active language."""
    told = dict(values or {})
    if title := told.get("network"):
        told["network"] = _(title)  # a manifest's, kept in English
    return _(SENTENCES.get(rule, rule)) % told


def of(rule: str, values: Mapping[str, str] | None, kept: str) -> str:
    """What a stored decision says to the reader: by its rule where that is still known, else the sentence of that day."""
    if values is None or rule not in SENTENCES:
        return kept
    try:
        return sentence(rule, values)
    except (KeyError, ValueError):  # the rule has another sentence by now
        return kept
