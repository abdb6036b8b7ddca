"""What the fast tier sees of a text: words, pairs of neighbours, and pieces of words that it does not know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

WORDS = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[!?]+|\.{2,}|[:;=8][-']?[)(dp/\\|]+|<3", re.UNICODE)
_REMEMBERED = 60_000


def words(text: str) -> list[str]:
    """The words of a cleaned text, in small letters, with its marks of feeling."""
    return WORDS.findall(text.lower())


def pieces(word: str) -> Iterator[str]:
    """Pieces of three to five letters, its ends marked."""
    marked = f"<{word[:24]}>"
    for size in (3, 4, 5):
        for start in range(len(marked) - size + 1):
            yield marked[start : start + size]


class Features:
    """Numbers of the features of a text, by a vocabulary: `word`, `first second`, `_piece`."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._all = dict(vocabulary)
        self._known: dict[str, tuple[int, ...]] = {}
        self._pairs = {tuple(name.split(" ")): number for name, number in vocabulary.items() if " " in name}

    def of_word(self, word: str) -> tuple[int, ...]:
        found = self._known.get(word)
        if found is None:
            number = self._all.get(word)
            parts = [self._all[name] for one in pieces(word) if (name := "_" + one) in self._all]
            found = ((number,) if number is not None else ()) + tuple(parts[:12] if number is None else ())
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[word] = found
        return found

    def of(self, given: Sequence[str]) -> list[int]:
        """The numbers of the features of these words, in their order."""
        found: list[int] = []
        before = "^"
        pairs, known = self._pairs, self._known
        for word in given:
            numbers = known.get(word)
            found += self.of_word(word) if numbers is None else numbers
            pair = pairs.get((before, word))
            if pair is not None:
                found.append(pair)
            before = word
        return found


def names(text: str) -> Iterable[str]:
    """Every name that a text could have in a vocabulary; for making one."""
    before = "^"
    for word in words(text):
        yield word
        yield f"{before} {word}"
        before = word
