"""What the screens call labels: words, and an icon beside each, never a colour alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kith.understanding.labels import TOLD, shown, shown_in_list


class LabelWords(NamedTuple):
    """One label on a screen."""

    label: str
    text: str
    tone: str
    icon_name: str


def _named(text: Any, tone: str, icon_name: str) -> tuple[Any, str, str]:
    return text, tone, icon_name


_WORDS = {
    "person": _named(gettext_lazy("wants a person"), "bad", icon_name="hand"),
    "churn": _named(gettext_lazy("wants to leave"), "bad", icon_name="door-open"),
    "complaint": _named(gettext_lazy("complaint"), "warn", icon_name="megaphone"),
    "urgent": _named(gettext_lazy("urgent"), "warn", icon_name="zap"),
    "offensive": _named(gettext_lazy("offensive"), "warn", icon_name="octagon-alert"),
    "purchase": _named(gettext_lazy("wants to buy"), "good", icon_name="shopping-bag"),
    "suggestion": _named(gettext_lazy("suggestion"), "info", icon_name="lightbulb"),
    "praise": _named(gettext_lazy("praise"), "good", icon_name="heart"),
    "negative": _named(gettext_lazy("negative"), "", icon_name="frown"),
    "positive": _named(gettext_lazy("positive"), "", icon_name="smile"),
    "unsure": _named(gettext_lazy("not sure"), "", icon_name="circle-help"),
    "question": _named(gettext_lazy("question"), "", icon_name="message-circle-question-mark"),
    "thanks": _named(gettext_lazy("thanks"), "", icon_name="heart"),
}
_VALUES = {
    "neutral": gettext_lazy("neutral"),
    "anger": gettext_lazy("anger"),
    "joy": gettext_lazy("joy"),
    "optimism": gettext_lazy("optimism"),
    "sadness": gettext_lazy("sadness"),
    "fear": gettext_lazy("fear"),
    "surprise": gettext_lazy("surprise"),
    "none": gettext_lazy("none in particular"),
    "other": gettext_lazy("something else"),
}
_FIELDS = {
    "sentiment": gettext_lazy("Mood"),
    "emotion": gettext_lazy("Feeling"),
    "intents": gettext_lazy("What they want"),
    "urgent": gettext_lazy("Urgent"),
    "offensive": gettext_lazy("Offensive"),
    "language": gettext_lazy("Language"),
}
_TIERS = {"fast": gettext_lazy("the quick reader"), "best": gettext_lazy("the careful reader")}
_KINDS = {
    "product": gettext_lazy("our product"),
    "competitor": gettext_lazy("competitor"),
    "place": gettext_lazy("place that we serve"),
}


def label_words(label: str) -> LabelWords:
    text, tone, icon_name = _WORDS[label]
    return LabelWords(label, str(text), tone, icon_name)


def message_labels(labels: Sequence[str]) -> list[LabelWords]:
    """The labels that a message shows: two at most."""
    return [label_words(label) for label in shown(labels)]


def row_label(labels: Sequence[str]) -> LabelWords | None:
    """The one that a row of a list shows."""
    label = shown_in_list(labels)
    return label_words(label) if label else None


def value_words(value: str) -> str:
    """A mood, a feeling or a wish in a word."""
    if value in _WORDS:
        return str(_WORDS[value][0])
    return str(_VALUES.get(value, value))


def field_words(name: str) -> str:
    return str(_FIELDS.get(name, name))


def tier_words(tier: str) -> str:
    return str(_TIERS.get(tier, tier))


def kind_words(kind: str) -> str:
    return str(_KINDS.get(kind, kind))


def said_words(name: str, value: Any) -> str:
    """The value of any field: a list of wishes, yes or no, a mood."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, (int, float)):
        return percent(float(value))
    if isinstance(value, list):
        return ", ".join(value_words(v) for v in value) or _("nothing")
    return value if name == "language" else value_words(str(value))


@lru_cache(maxsize=256)
def percent(share: float) -> str:
    return f"{share * 100:.0f}%"


def filter_options() -> list[tuple[str, str]]:
    """What a list can be narrowed to: every label but the doubt."""
    return [(label, label_words(label).text.capitalize()) for label in TOLD if label != "unsure"]
