"""What is a letter of a word, and which scripts put no space between words."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from typing import Final

ZWJ: Final = "\u200d"

UNSPACED: Final = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb"  # Hangul, whose particles follow a name without a space
    "\u2e80-\u2fd5\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"
    "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uffdc"
    "\U00016fe0-\U00018d08\U0001aff0-\U0001b2fb\U00020000-\U000323af"
)
"""For inside a regular expression's brackets: characters beside which a word may begin or end anywhere."""

_UNSPACED: Final = re.compile(f"[{UNSPACED}]")


def _marks() -> str:
    """Marks that belong to words of spaced scripts, as ranges: `\\w` leaves them out."""
    codes = [
        code
        for code in range(0x300, min(sys.maxunicode, 0x1FFFF))
        if unicodedata.category(chr(code))[0] == "M" and not _UNSPACED.match(chr(code))
    ]
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


MARKS: Final = _marks()


@cache
def unspaced(char: str) -> bool:
    """A letter, digit or mark of a script without spaces."""
    return bool(_UNSPACED.match(char))


@cache
def spaced(char: str) -> bool:
    """A letter, digit, mark or underscore of a script with spaces between its words."""
    return (char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M") and not unspaced(char)


def wordlike(char: str) -> bool:
    return spaced(char) or unspaced(char)


def regional(char: str) -> bool:
    """Half a flag."""
    return "\U0001f1e6" <= char <= "\U0001f1ff"
