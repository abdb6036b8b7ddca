"""Which language a short text is in."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import fasttext
import numpy as np

WEIGHTS: Final = Path(__file__).parent / "weights"
OURS: Final = ("ar", "de", "en", "es", "fr", "it", "pt")
UNSURE: Final = 0.22
"""Below this the text does not say."""
CLEAR: Final = 14.0
"""How far ahead (natural logarithm) one of our languages must be to be believed without a second opinion."""
SHARE: Final = 0.1
"""How much our own counts weigh against fastText's."""

_NOT_SAID: Final = re.compile(r"@user|http|#|\brt\b|[\d_]+")
_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_NEAR: Final = {
    "arz": "ar", "als": "de", "bar": "de", "nds": "de", "pms": "it", "scn": "it", "vec": "it", "lmo": "it", "nap": "it", "ast": "es",
    "an": "es", "oc": "fr", "wa": "fr", "azb": "ar", "ckb": "ku", "simple": "en", "sh": "sr",
}  # fmt: skip
_REMEMBERED: Final = 60_000


def said(text: str) -> str:
    """The words of a cleaned text in small letters, without what stands in every language."""
    return " ".join(_WORD.findall(_NOT_SAID.sub(" ", text.lower())))


def pieces(word: str) -> Iterator[str]:
    """A word and its pieces of two to four letters, its ends marked."""
    yield word
    marked = f"<{word[:20]}>"
    for size in (2, 3, 4):
        for start in range(len(marked) - size + 1):
            yield "_" + marked[start : start + size]


class _Counts:
    """Per word, how likely each of our languages is, and that it is another."""

    def __init__(self) -> None:
        with np.load(WEIGHTS / "language.npz") as kept:
            table = kept["table"].astype(np.float32) / 16
            names = kept["names"].tobytes().decode().split("\n")
        self._rows = dict(zip(names, map(tuple, table.tolist()), strict=True))
        self._known: dict[str, tuple[float, ...]] = {}
        self._nothing = (0.0,) * (len(OURS) + 1)

    def of(self, word: str) -> tuple[float, ...]:
        found = self._known.get(word)
        if found is None:
            rows = [row for name in pieces(word) if (row := self._rows.get(name))]
            found = tuple(map(sum, zip(*rows, strict=True))) if rows else self._nothing
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[word] = found
        return found

    def scores(self, words: Sequence[str]) -> list[float]:
        known = self._known
        rows = [known.get(word) or self.of(word) for word in words[:40]]
        return [sum(column) for column in zip(*rows, strict=True)]


@cache
def _counts() -> _Counts:
    return _Counts()


@cache
def _model() -> Any:
    return fasttext.load_model(str(WEIGHTS / "lid.176.ftz"))


def language(text: str) -> tuple[str, float]:
    """(ISO 639-1 code or "und", how sure: 0 to 1) of a cleaned text."""
    words = said(text).split()
    if sum(map(len, words)) < 2:
        return "und", 0.0
    scores = _counts().scores(words)
    order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    lead = scores[order[0]] - scores[order[1]]
    if lead >= CLEAR and order[0] < len(OURS):
        return OURS[order[0]], 1.0
    names, shares = _model().predict(" ".join(words), k=8)
    best = scores[order[0]]
    weighed: dict[str, float] = {}
    for name, share in zip(names, shares, strict=True):
        code = name.removeprefix("__label__")
        code = _NEAR.get(code, code)
        ours = scores[OURS.index(code)] if code in OURS else scores[-1]
        weighed[code] = max(
            weighed.get(code, -99.0), math.log(float(share) + 1e-6) + SHARE * max(ours - best, -60.0)
        )
    code = max(weighed, key=weighed.__getitem__)
    whole = sum(math.exp(value) for value in weighed.values())
    sure = min(1.0, math.exp(weighed[code]) / whole if whole else 0.0) * min(1.0, float(sum(shares)) + 0.2)
    return (code, sure) if sure >= UNSURE else ("und", sure)
