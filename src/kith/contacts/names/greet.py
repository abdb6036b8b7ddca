"""Greetings are chosen, not filled in: how they want to be called, else a given name that is sure, else no name.

Nothing is guessed: no title, no gender, and no name is written in another way than they write it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kith.contacts.names.confidence import USABLE, judge
from kith.contacts.names.parse import parse

LANGUAGES = ("en", "de", "es")
SURE = 1.0
"""The confidence of a contact's name that they told us themselves, or that a colleague knows."""

WHY: dict[str, Any] = {
    "told_us": gettext_lazy("they want to be called so"),
    "preferred": gettext_lazy("they seem to be called so"),
    "given": gettext_lazy("it is their first name, as far as we know"),
    "unknown": gettext_lazy("we know no first name"),
    "empty": gettext_lazy("we know no first name"),
    "no_letters": gettext_lazy("the name has no letters"),
    "mojibake": gettext_lazy("the name was mangled on its way to us"),
    "markup": gettext_lazy("the name has signs in it that names don't have"),
    "placeholder": gettext_lazy("it stands for a name and is none"),
    "test": gettext_lazy("it looks like a test"),
    "email_part": gettext_lazy("it looks like a part of an address"),
    "company": gettext_lazy("it looks like the name of a company"),
    "desk": gettext_lazy("it looks like a desk, not like a person"),
    "keyboard": gettext_lazy("it looks like keys pressed at random"),
    "initials": gettext_lazy("only initials are known"),
    "no_vowels": gettext_lazy("the first name has no vowels, so letters may be missing"),
    "no_given": gettext_lazy("we know no first name"),
    "capitals": gettext_lazy("the first name is in capitals, and we don't know how they write it"),
    "consonants": gettext_lazy("the first name can hardly be spoken, so letters may be missing"),
    "mixed_scripts": gettext_lazy("letters of several scripts are mixed in the first name"),
    "styled": gettext_lazy("the first name is written in ornamental letters"),
    "several": gettext_lazy("it seems to be more than one person"),
    "too_long": gettext_lazy("it is too long for a first name"),
    "lower_case": gettext_lazy("the first name is in small letters, and we don't know how they write it"),
    "odd_case": gettext_lazy("capitals stand where first names have none"),
    "unsplit": gettext_lazy("we can't tell which part is the first name"),
    "one_sign": gettext_lazy("nobody is called by one sign alone"),
    "one_word": gettext_lazy("a single word may be a first name, a last name or a nickname"),
    "order_unsure": gettext_lazy("we can't tell which part is the first name"),
    "nickname": gettext_lazy("they write a nickname beside their first name"),
    "unsure": gettext_lazy("no first name is certain"),
}


@dataclass(frozen=True, slots=True)
class Greeting:
    """`text` is in the language of who reads it; `why` is a code of `WHY`, in words by `why_text` for who writes."""

    text: str
    name_used: str | None
    confidence: float
    why: str

    @property
    def why_text(self) -> str:
        return str(WHY[self.why])


def greeting(
    *,
    preferred: str = "",
    given: str = "",
    name: str = "",
    confidence: float,
    language: str = "en",
    country: str = "",
    formal: bool = False,
) -> Greeting:
    """How we greet somebody: `confidence` is a contact's `name_confidence`, `language` that of the text.

    `name`, their whole name, only serves to say why there is none to use.
    """
    used, sure, why = _chosen(preferred, given, confidence, language, country)
    if why == "unknown" and name:
        why = next(iter(parse(name, language=language, country=country).reasons), why)
    with translation.override(language[:2] if language[:2] in LANGUAGES else "en"):
        if used and formal:
            text = _("Dear %(name)s,") % {"name": used}
        elif used:
            text = _("Hello %(name)s,") % {"name": used}
        else:
            text = _("Good day,") if formal else _("Hello,")
    return Greeting(text, used or None, sure, why)


def _chosen(
    preferred: str, given: str, confidence: float, language: str, country: str
) -> tuple[str, float, str]:
    """The name, how sure it is, and why; the name is "" when none is sure."""
    called = preferred or given
    if not called:
        return "", confidence if confidence < USABLE else 0.0, "unknown"
    if confidence >= USABLE:
        return (
            called,
            confidence,
            "told_us" if preferred and confidence >= SURE else ("preferred" if preferred else "given"),
        )
    if preferred and given:
        # The name that they seem to go by can't be used; the confidence is that of it, not of the given name.
        own = judge(given, language=language, country=country)
        if own.confidence >= USABLE:
            return given, own.confidence, "given"
    reasons = judge(called, language=language, country=country).reasons
    return "", confidence, reasons[0] if reasons else "unsure"


def greeting_name(*, preferred: str, given: str, confidence: float) -> str:
    """The name to greet by, "" when none is sure: `confidence` is a contact's `name_confidence`."""
    return _chosen(preferred, given, confidence, "", "")[0]
