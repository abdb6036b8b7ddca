"""What connectors have said, in the reader's language.

They say it in English (`kith.connectors.words.say`), and as such it is stored, logged and told by the API. A screen
recognises a sentence by its fixed words and puts its values into the translation. A sentence that nobody knows (an older
version's, or a server's own words) stays as it is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import get_language, gettext

FILE = "said.json"
_PLACE = re.compile(r"\{(\w+)\}")
_LONGEST, _DEEPEST = 2000, 2


@dataclass(frozen=True, slots=True)
class _Sentence:
    """One sentence with places for values: how to recognise it, and what to say instead."""

    pattern: re.Pattern[str]
    weight: int
    translation: str


def in_words(sentence: str) -> str:
    """The sentence in the active language, or as it is where there is no translation."""
    language = (get_language() or "en").partition("-")[0]
    if language == "en" or not sentence:
        return sentence
    return _told(sentence, language, 0)


@lru_cache(maxsize=1000)
def _told(sentence: str, language: str, depth: int) -> str:
    exact, patterns = _known(language)
    if sentence in exact:
        return exact[sentence]
    if len(sentence) > _LONGEST or depth > _DEEPEST:
        return sentence
    best = max(
        ((known, found) for known in patterns if (found := known.pattern.fullmatch(sentence))),
        key=lambda pair: pair[0].weight,
        default=None,
    )
    if best is not None:
        known, found = best
        values = {name: _value(text, exact) for name, text in found.groupdict().items()}
        return known.translation.format(**values)
    first, colon, rest = sentence.partition(": ")
    if colon:
        return f"{_told(first, language, depth + 1)}: {_told(rest, language, depth + 1)}"
    return gettext(sentence) if " " in sentence else sentence  # the reasons that manifests give


def _value(text: str, exact: dict[str, str]) -> str:
    """A value that is itself one of our sentences (a network's reason), told; a server's own words stay."""
    return exact.get(text) or gettext(text) if " " in text else text


@lru_cache(maxsize=8)
def _known(language: str) -> tuple[dict[str, str], tuple[_Sentence, ...]]:
    path = Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / FILE
    pairs: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    exact = {sentence: said for sentence, said in pairs.items() if not _PLACE.search(sentence)}
    patterns = tuple(_sentence(sentence, said) for sentence, said in pairs.items() if _PLACE.search(sentence))
    return exact, patterns


def _sentence(sentence: str, translation: str) -> _Sentence:
    parts, seen = [], set()
    pieces = _PLACE.split(sentence)  # fixed words, name, fixed words, name, ...
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            parts.append(re.escape(piece))
        elif piece in seen:
            parts.append(f"(?P={piece})")
        else:
            seen.add(piece)
            parts.append(f"(?P<{piece}>.*?)")
    return _Sentence(re.compile("".join(parts), re.DOTALL), sum(map(len, pieces[::2])), translation)
