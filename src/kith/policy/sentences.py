"""The gate's reasons in English, which both the sender and the customer may read; and what would make it allowed.

A sentence is told in other languages by `kith.trust.sentences`. A value that is a word of ours stands in WORDS.
"""

from __future__ import annotations

from collections.abc import Callable


def _said(text: str) -> str:
    """Marks a text for translation, without Django."""
    return text


N_: Callable[[str], str] = _said

SENTENCES: dict[str, str] = {
    "reply": N_("They wrote to us; this answers them."),
    "plain": N_("Nothing speaks against it."),
    "invalid": N_("This can't be decided: %(problem)s"),
    "suppressed": N_("They asked never to be contacted here."),
    "no_channel": N_("It is not said by which channel this would go."),
    "network_sends": N_("%(network)s takes no messages from us; answer there in your browser."),
    "network_automation": N_("%(network)s forbids automatic answers."),
    "network_start": N_("On %(network)s they must write to us first."),
    "network_window": N_(
        "%(network)s lets us answer within %(hours)s hours of their last message; that time is over. Ask them to "
        "write again, or use another channel."
    ),
    "network_length": N_(
        "%(network)s takes %(limit)s characters; this has %(length)s. Shorten it or send it in two parts."
    ),
    "network_link": N_("%(network)s forbids that its accounts are linked, unless they say so themselves."),
    "network_infer": N_("%(network)s forbids that anything is concluded from what people say there."),
    "source_deleted": N_(
        "Its author deleted what this relies on (%(fact)s), so it is not ours to use any more."
    ),
    "sensitive": N_("Nothing sensitive is concluded about people, nor used unless they told us (%(fact)s)."),
    "minor": N_("Nothing is sold to children."),
    "automatic_loop": N_("Automatic messages are not answered automatically."),
    "automatic_forged": N_(
        "It is not proven that this sender is who they say, so nothing is sent by itself."
    ),
    "automatic_daily": N_("They had an automatic answer within the last day."),
    "outreach_automation": N_("Only a person may write to somebody who did not write to us."),
    "outreach_noindex": N_("The author asks not to be found, so we do not seek them out."),
    "channel_jump": N_(
        "They said this in public; an answer by another channel would follow them home. Answer in public, or wait until "
        "they write or ask."
    ),
    "unsubscribed": N_("They unsubscribed here; only what they ask for themselves is answered."),
    "objection": N_("They object to messages of this kind (%(purpose)s)."),
    "consent_withdrawn": N_("They withdrew their consent to this (%(purpose)s) on this channel."),
    "consent_missing": N_("They have not agreed to messages of this kind (%(purpose)s) on this channel."),
    "open_complaint": N_("They have an open complaint; nothing is sold to them until it is solved."),
    "gift": N_(
        "They bought this once, for somebody else or for we don't know whom (%(fact)s): it says nothing of them."
    ),
    "surprise": N_(
        "This relies on something they never told us for it (%(fact)s, %(origin)s); it would surprise them. A person must "
        "approve it."
    ),
    "identity_evidence": N_("The accounts only look alike. It needs their own word, or a person's decision."),
    "automatic_reply": N_("A machine wrote this answer; it waits for a person to send it."),
    "name": N_("Nobody is sure that they are called %(name)s. Greet them without a name, or ask."),
    "name.preferred": N_("They are called %(preferred)s, not %(name)s."),
    "first_contact": N_(
        "They have neither agreed to offers here nor written to us here. Say what entitles us to make one, or wait until "
        "they ask."
    ),
    "paused": N_("They asked for a pause."),
    "wish": N_("They chose how many offers they want in a month: %(limit)s. They had %(count)s."),
    "wish.none": N_("They chose to have no offers."),
    "pace": N_("Offers from us %(window)s: %(count)s. The most is %(limit)s."),
    "pace.divisions": N_("Offers from us %(window)s: %(count)s (%(divisions)s). The most is %(limit)s."),
    "pace.gap": N_("Their last offer from us is less than %(hours)s hours old."),
    "quiet_hours": N_("It is night where they live."),
    "bounced": N_("The last message to this address came back. Check the address first."),
}

# The same to the person themselves, where it speaks of them: on their own page, and in the copy of their data.
TO_THEM: dict[str, str] = {
    "suppressed": N_("You asked never to be contacted here."),
    "source_deleted": N_("You deleted what it relied on (%(fact)s)."),
    "sensitive": N_("It relied on something sensitive (%(fact)s), which we do not use."),
    "channel_jump": N_("You had said it in public, and we do not follow anybody home."),
    "outreach_noindex": N_("You ask not to be found."),
    "unsubscribed": N_("You unsubscribed here."),
    "objection": N_("You object to messages of this kind (%(purpose)s)."),
    "consent_withdrawn": N_("You withdrew your consent to this (%(purpose)s)."),
    "consent_missing": N_("You have not agreed to messages of this kind (%(purpose)s)."),
    "open_complaint": N_("Your complaint is open: nothing is sold to you until it is solved."),
    "gift": N_(
        "You bought this once, for somebody else or for we don't know whom (%(fact)s): it says nothing of you."
    ),
    "surprise": N_("It relied on something that you never told us for it (%(fact)s, %(origin)s)."),
    "name": N_("Nobody here is sure what you are called."),
    "name.preferred": N_("It would have called you %(name)s, and you are called %(preferred)s."),
    "first_contact": N_("You have neither agreed to offers here nor written to us here."),
    "paused": N_("You asked for a pause."),
    "wish": N_("You chose how many offers you want in a month: %(limit)s. You had %(count)s."),
    "wish.none": N_("You chose to have no offers."),
    "pace": N_("Offers from us to you %(window)s: %(count)s. We send %(limit)s at most."),
    "pace.divisions": N_(
        "Offers from us to you %(window)s: %(count)s (%(divisions)s). We send %(limit)s at most."
    ),
    "pace.gap": N_("The last offer that you had from us was less than %(hours)s hours old."),
    "quiet_hours": N_("It was night where you live."),
    "bounced": N_("The last message to your address came back."),
}

# What would make it allowed: by other words, another time, another channel, by asking first, or by approval.
REMEDIES: dict[str, tuple[str, ...]] = {
    "network_length": ("words",),
    "network_window": ("ask", "channel"),
    "network_start": ("channel",),
    "network_sends": ("channel",),
    "source_deleted": ("words",),
    "sensitive": ("words",),
    "channel_jump": ("channel", "ask"),
    "unsubscribed": ("channel",),
    "consent_missing": ("ask", "channel"),
    "consent_withdrawn": ("channel",),
    "outreach_automation": ("approve",),
    "open_complaint": ("wait", "approve"),
    "gift": ("words", "ask", "approve"),
    "surprise": ("words", "ask", "approve"),
    "identity_evidence": ("ask", "approve"),
    "automatic_reply": ("approve",),
    "name": ("words", "ask", "approve"),
    "first_contact": ("ask", "approve"),
    "paused": ("wait",),
    "wish": ("wait",),
    "pace": ("wait", "approve"),
    "quiet_hours": ("wait", "approve"),
    "bounced": ("channel", "approve"),
}

# Values that are words of ours, so that a sentence can be told in another language.
WORDS: dict[str, str] = {
    "public_post": N_("said in public"),
    "purchase": N_("from a purchase"),
    "inferred": N_("concluded by us"),
    "third_party": N_("from somebody else"),
    "someone_elses_access": N_("seen through somebody else's access"),
    "told_us": N_("told us for something else"),
    "week": N_("within a week"),
    "month": N_("within a month"),
    "year": N_("within a year"),
}


def template(rule: str, values: dict[str, str], *, to_them: bool = False) -> str:
    """The English sentence of a rule, before its values are filled in; the rule itself where it is not known."""
    form = rule
    if rule == "name" and values.get("preferred"):
        form = "name.preferred"
    elif rule == "wish" and values.get("limit") == "0":
        form = "wish.none"
    elif rule == "pace":
        form = "pace.gap" if values.get("window") == "gap" else rule
        if form == rule and values.get("divisions"):
            form = "pace.divisions"
    return (to_them and TO_THEM.get(form)) or SENTENCES.get(form, rule)


def sentence(
    rule: str, values: dict[str, str], translated: Callable[[str], str] = _said, *, to_them: bool = False
) -> str:
    """The reason in words. Raises KeyError or ValueError where a stored decision lacks what today's sentence tells."""
    told = {
        key: translated(WORDS[value]) if key in ("origin", "window") and value in WORDS else value
        for key, value in values.items()
    }
    return translated(template(rule, values, to_them=to_them)) % told
