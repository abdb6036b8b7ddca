"""What the screens of mailings say: why some get it and others not, in a few words and in a sentence."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from kith.trust.sentences import SENTENCES

OUTCOMES: dict[str, Any] = {
    "allow": _("would get it"),
    "hold": _("held back"),
    "deny": _("would not get it"),
    "none": _("can't be reached"),
}
TONES = {"allow": "good", "hold": "warn", "deny": "bad", "none": "plain"}
# The gate's rules for a list of people; a single person is told the whole sentence. What needs no values says that here, too.
RULES: dict[str, Any] = {
    **{rule: _(text) for rule, text in SENTENCES.items() if "%(" not in text},
    "network_link": _("The network forbids that its accounts are linked, unless they say so themselves."),
    "network_infer": _("The network forbids that anything is concluded from what people say there."),
    "no_address": _("We know no address of theirs on this channel."),
    "network_sends": _("The network takes no messages from us."),
    "network_automation": _("The network forbids messages that a machine sends."),
    "network_start": _("The network wants them to write to us first."),
    "network_window": _("The network's time to answer is over."),
    "network_length": _("The text is longer than the network takes."),
    "source_deleted": _("What this relies on was deleted by its author."),
    "sensitive": _("It relies on something sensitive that they did not tell us."),
    "unsubscribed": _("They unsubscribed."),
    "objection": _("They object to messages of this kind."),
    "consent_withdrawn": _("They withdrew their consent to this topic."),
    "consent_missing": _("They have not agreed to this topic on this channel."),
    "open_complaint": _("They have an open complaint."),
    "gift": _("They bought it for somebody else, or for we don't know whom."),
    "surprise": _("It relies on something they never told us for it."),
    "name": _("Nobody is sure of the name that they would be greeted by."),
    "wish": _("They had as many this month as they chose to have."),
    "pace": _("They had enough from us for now, over all divisions and channels."),
    "bounced": _("The last message to their address came back."),
}
FREE = ("plain", "reply")
# Of what is held: allowed by itself, as one of several recipients.
HELD = RULES | dict.fromkeys(FREE, _("Waits with somebody else whom it goes to."))
STATES: dict[str, Any] = {
    "draft": _("Draft"),
    "checking": _("Being checked"),
    "checked": _("Ready"),
    "sending": _("Being sent"),
    "stopped": _("Stopped"),
    "done": _("Sent"),
}
BECAME: dict[str, Any] = {
    "made": _("sent"),
    "allowed": _("on its way"),
    "held": _("held back"),
    "denied": _("not sent: the gate says no"),
    "cancelled": _("taken back"),
    "expired": _("held until it was too late"),
    "merged": _("sent together with another"),
    "waiting": _("not asked about yet"),
}
PRIORITIES = ((1, _("High: before others")), (0, _("Normal")), (-1, _("Low: after others")))
ORIGINS = (
    ("", _("nothing in particular")),
    ("told_us", _("what they told us")),
    ("purchase", _("what they bought")),
    ("public_post", _("what they said in public")),
    ("third_party", _("what others told us of them")),
    ("inferred", _("what we concluded about them")),
)
ABOUTS = (
    ("self", _("for themselves")),
    ("gift", _("for somebody else")),
    ("unknown", _("we don't know for whom")),
)
