"""The gate's reasons in the reader's words, for the sender and for the customer alike."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from kith.policy import sentences as english

SENTENCES = english.SENTENCES


def sentence(rule: str, values: Mapping[str, str] | None = None, *, to_them: bool = False) -> str:
    """The rule's sentence in the active language; `to_them`: as it is told to the person whom it is about."""
    told = dict(values or {})
    if title := told.get("network"):
        told["network"] = _(title)  # a manifest's, kept in English
    return english.sentence(rule, told, _, to_them=to_them)


def of(rule: str, values: Mapping[str, str] | None, kept: str, *, to_them: bool = False) -> str:
    """What a stored decision says to the reader: by its rule where that is still known, else the sentence of that day."""
    if values is None or rule not in english.SENTENCES:
        return kept
    try:
        return sentence(rule, values, to_them=to_them)
    except (KeyError, ValueError):  # the rule has another sentence by now
        return kept
