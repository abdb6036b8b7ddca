"""Finds our names in texts: on word boundaries, without case and accents. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Name:
    """One entity as it is looked for."""

    id: str
    kind: str
    name: str
    spellings: tuple[str, ...]


@lru_cache(maxsize=4096)
def _fold_one(character: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return plain.casefold()


def folded(text: str) -> tuple[str, list[int]]:
    """The text without case and accents, and for each of its characters the place that it comes from."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    made: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        plain = _fold_one({"’": "'", "‘": "'", "“": '"', "”": '"'}.get(character, character))
        made.append(plain)
        places.extend([place] * len(plain))
    return "".join(made), places


class Gazetteer:
    """All names of a house, to be looked for in many texts."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._of: dict[str, list[Name]] = {}
        for name in names:
            for spelling in dict.fromkeys((name.name, *name.spellings)):
                key = " ".join(folded(spelling)[0].split())
                if key and name not in self._of.setdefault(key, []):
                    self._of[key].append(name)
        parts = [_pattern(key) for key in sorted(self._of, key=len, reverse=True)]
        self._pattern = re.compile("|".join(parts)) if parts else None

    def find(self, text: str) -> list[dict[str, str]]:
        """Each entity that the text names, once, with the words that name it."""
        if self._pattern is None:
            return []
        plain, places = folded(text)
        found: dict[str, dict[str, str]] = {}
        for match in self._pattern.finditer(plain):
            end = places[match.end() - 1] + 1
            while end < len(text) and unicodedata.combining(text[end]):
                end += 1
            words = text[places[match.start()] : end]
            for name in self._of[" ".join(match[0].split())]:
                found.setdefault(
                    name.id, {"id": name.id, "kind": name.kind, "name": name.name, "text": words}
                )
        return list(found.values())


def _pattern(key: str) -> str:
    words = r"\s+".join(re.escape(word) for word in key.split())
    before = r"(?<!\w)" if _is_word(key[0]) else ""
    after = r"(?!\w)" if _is_word(key[-1]) else ""
    return f"{before}{words}{after}"


def _is_word(character: str) -> bool:
    """Whether it stands in words with spaces between them; Chinese, Japanese and Korean do not."""
    return (character.isalnum() or character == "_") and not "\u3040" <= character <= "\ud7af"


def spellings_of(lines: str) -> Sequence[str]:
    """One spelling a line, as a form gives them."""
    return list(dict.fromkeys(" ".join(line.split())[:80] for line in lines.splitlines() if line.strip()))[
        :50
    ]
