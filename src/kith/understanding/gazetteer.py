"""Finds our names in texts: on word boundaries, without case and accents, as searches compare words (`kith.queries`). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kith.queries.chars import spaced
from kith.queries.fold import fold, fold_map


@dataclass(frozen=True, slots=True)
class Name:
    """One entity as it is looked for."""

    id: str
    kind: str
    name: str
    spellings: tuple[str, ...]


class Gazetteer:
    """All names of a house, to be looked for in many texts."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._of: dict[str, list[Name]] = {}
        for name in names:
            for spelling in dict.fromkeys((name.name, *name.spellings)):
                key = " ".join(fold(spelling).split())
                if key and name not in self._of.setdefault(key, []):
                    self._of[key].append(name)
        parts = [_pattern(key) for key in sorted(self._of, key=len, reverse=True)]
        self._pattern = re.compile("|".join(parts)) if parts else None

    def find(self, text: str) -> list[dict[str, str]]:
        """Each entity that the text names, once, with the words that name it."""
        if self._pattern is None or self._pattern.search(fold(text)) is None:  # most texts name nothing
            return []
        folded = fold_map(text)
        found: dict[str, dict[str, str]] = {}
        for match in self._pattern.finditer(folded.text):
            start, end = folded.span(*match.span())
            words = text[start:end]
            for name in self._of[" ".join(match[0].split())]:
                found.setdefault(
                    name.id, {"id": name.id, "kind": name.kind, "name": name.name, "text": words}
                )
        return list(found.values())


def _pattern(key: str) -> str:
    words = r"\s+".join(re.escape(word) for word in key.split())
    # Chinese, Japanese and Korean stand without spaces: there a name may begin and end anywhere.
    before = r"(?<!\w)" if spaced(key[0]) else ""
    after = r"(?!\w)" if spaced(key[-1]) else ""
    return f"{before}{words}{after}"


def spellings_of(lines: str) -> Sequence[str]:
    """One spelling a line, as a form gives them."""
    return list(dict.fromkeys(" ".join(line.split())[:80] for line in lines.splitlines() if line.strip()))[
        :50
    ]
