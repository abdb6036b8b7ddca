"""Text made comparable: case, accents, typographic quotes and hyphens, skin tones; and the way back to the original's offsets."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from kith.queries.chars import MARKS, ZWJ

_QUOTES: Final = dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2039\u203a\u02bc\u02b9\u00b4", "'")
_DOUBLE: Final = dict.fromkeys('\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"', '"')
_HYPHENS: Final = dict.fromkeys("\u2010\u2011", "-")
_STROKES: Final = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i"}
"""Letters whose stroke or dot Unicode does not take apart, though readers take it for an accent."""
_PLAIN: Final = _QUOTES | _DOUBLE | _HYPHENS | _STROKES

DOUBLE_QUOTES: Final = frozenset(_DOUBLE)
"""What opens and closes a phrase."""

_IGNORED: Final = frozenset(
    {0xAD, 0x34F, 0x61C, 0x180E, 0x200C, 0x200E, 0x200F, 0xFEFF}
    | {*range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10)}
    | {*range(0x1F3FB, 0x1F400), *range(0xE0100, 0xE01F0)}
)
"""Soft hyphens, directions, variation selectors, and skin tones: whom a post pictures is nothing to search by."""

_JOINED_WORD: Final = re.compile(rf"(?<=[\w{MARKS}]){ZWJ}+")


def _accent(char: str) -> bool:
    """A mark that a reader can leave out; not the vowel signs of Indic scripts, nor the voicing of kana."""
    kind = unicodedata.combining(char)
    return kind == 1 or 10 <= kind <= 35 or kind >= 200


def _folded(char: str) -> str:
    if ord(char) in _IGNORED:
        return ""
    if "\ud800" <= char <= "\udfff":
        return char
    before, now = "", char
    while now != before:
        before = now
        now = "".join(map(_apart, now))
        now = "".join(_PLAIN.get(one, one) for one in now if not _accent(one)).casefold()
    return unicodedata.normalize("NFC", now)


def _apart(char: str) -> str:
    if char in _PLAIN:
        return char
    # Letters and digits alone: a trade mark sign made into "tm" would grow onto the word before it.
    alike = unicodedata.category(char)[0] in "LN" or "\uff01" <= char <= "\uff5e"
    parts = unicodedata.normalize("NFKD" if alike else "NFD", char)
    return char if any(one.isspace() for one in parts) else parts


class _Table(dict[int, str]):
    """What each character becomes, found out when it first comes."""

    def __missing__(self, code: int) -> str:
        found = self[code] = _folded(chr(code))
        return found


_TABLE: Final = _Table()


def fold(text: str) -> str:
    """The text as it is compared."""
    if text.isascii():
        return text.lower()
    folded = text.translate(_TABLE)
    if not unicodedata.is_normalized("NFC", folded):
        folded = unicodedata.normalize("NFC", folded)
    return _JOINED_WORD.sub("", folded) if ZWJ in folded else folded


_ONE_TO_ONE: set[str] = {chr(code) for code in range(128)}
_OTHERS: set[str] = set()


def same_length(text: str) -> bool:
    """Each character becomes exactly one, so that offsets are what they were."""
    if text.isascii() or _ONE_TO_ONE.issuperset(text):
        return True
    for char in set(text) - _ONE_TO_ONE - _OTHERS:
        plain = len(fold(char)) == 1 and char != ZWJ and not _continues(char)
        (_ONE_TO_ONE if plain else _OTHERS).add(char)
    return _ONE_TO_ONE.issuperset(text)


@cache
def _continues(char: str) -> bool:
    """Belongs to the character before it: marks, later parts of a Hangul syllable, what folding drops."""
    return (
        ord(char) in _IGNORED
        or unicodedata.category(char)[0] == "M"
        or "\u1160" <= char <= "\u11ff"
        or "\ud7b0" <= char <= "\ud7fb"
        or char in "\uff9e\uff9f"
        or "\uffa0" <= char <= "\uffdc"
    )


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text that knows where each of its characters came from."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self.starts[start], self.ends[end - 1]


def fold_map(text: str) -> Folded:
    """`fold`, cluster by cluster, with the offsets in the original."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at, last = 0, ""
    while at < len(text):
        end = at + 1
        while end < len(text) and _continues(text[end]):
            end += 1
        piece = unicodedata.normalize("NFC", text[at:end].translate(_TABLE))
        if piece.startswith(ZWJ) and last and _JOINED_WORD.match(last + ZWJ, 1):
            piece = piece.lstrip(ZWJ)
        if piece:
            piece = _JOINED_WORD.sub("", piece)
            last = piece[-1]
        elif ends:
            ends[-1] = end
        pieces.append(piece)
        starts += [at] * len(piece)
        ends += [end] * len(piece)
        at = end
    return Folded("".join(pieces), tuple(starts), tuple(ends))
