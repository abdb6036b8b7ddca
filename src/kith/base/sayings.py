"""Sentences that are made before one knows in which language they will be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter


class Said(str):
    """A sentence in English that remembers what it was made of."""

    template: str
    values: Mapping[str, object]

    def __new__(cls, text: str, template: str = "", values: Mapping[str, object] | None = None) -> Said:
        made = super().__new__(cls, text)
        made.template, made.values = template, values or {}
        return made


def said(template: str, /, **values: object) -> Said:
    """The sentence with its values in the places named `{so}`; a value may be such a sentence, too.

    `tools/compile_messages.py` collects every first argument.
    """
    return Said(template.format(**values), template, values)


def told(sentence: str, translate: Callable[[str], str]) -> str:
    """The sentence by a translation of its template; as it is where it has none."""
    if not isinstance(sentence, Said) or not sentence.template:
        return sentence
    template = translate(sentence.template)
    if _places(template) - _places(sentence.template):
        return sentence  # a translation with a place that nobody fills
    values = {
        name: told(value, translate) if isinstance(value, Said) else value
        for name, value in sentence.values.items()
    }
    return template.format(**values)


def _places(template: str) -> set[str]:
    return {name for _text, name, _format, _conversion in Formatter().parse(template) if name}
