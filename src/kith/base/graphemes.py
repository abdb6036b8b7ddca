"""Counting what a reader calls characters (grapheme clusters of UAX 29), as the limits of some networks do."""

from __future__ import annotations

import unicodedata

_ZWJ = "\u200d"
_EXTRA_EXTEND = frozenset("\u200c\u200d\u0e33\u0eb3")


def _extends(char: str) -> bool:
    code = ord(char)
    return (
        unicodedata.category(char) in ("Mn", "Me", "Mc")
        or char in _EXTRA_EXTEND
        or 0x1F3FB <= code <= 0x1F3FF
        or 0xE0020 <= code <= 0xE007F
        or 0xFF9E <= code <= 0xFF9F
    )


def _pictographic(char: str) -> bool:
    code = ord(char)
    if _regional(char) or 0x1F3FB <= code <= 0x1F3FF:
        return False
    if code in (0xA9, 0xAE) or 0x1F000 <= code <= 0x1FAFF:
        return True
    return code >= 0x203C and unicodedata.category(char) in ("So", "Sm", "Po")


def _regional(char: str) -> bool:
    return 0x1F1E6 <= ord(char) <= 0x1F1FF


def _hangul(char: str) -> str:
    code = ord(char)
    if 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C:
        return "L"
    if 0x1160 <= code <= 0x11A7 or 0xD7B0 <= code <= 0xD7C6:
        return "V"
    if 0x11A8 <= code <= 0x11FF or 0xD7CB <= code <= 0xD7FB:
        return "T"
    if 0xAC00 <= code <= 0xD7A3:
        return "V" if (code - 0xAC00) % 28 == 0 else "T"
    return ""


def _joins_hangul(before: str, char: str) -> bool:
    first, second = _hangul(before), _hangul(char)
    if not first or not second:
        return False
    if first == "L":
        return second in "LV" or 0xAC00 <= ord(char) <= 0xD7A3
    if 0xAC00 <= ord(char) <= 0xD7A3:
        return False
    return second == "T" or (first == "V" and second == "V")


def count(text: str) -> int:
    """The number of grapheme clusters. Where scripts differ between Unicode versions it is rather too high."""
    total = 0
    before = ""
    regionals = 0
    in_emoji = False
    for char in text:
        if not before or not _joined(before, char, regionals=regionals, in_emoji=in_emoji):
            total += 1
            in_emoji = False
            regionals = 0
        if _regional(char):
            regionals += 1
        if _pictographic(char):
            in_emoji = True
        elif not _extends(char) or before == _ZWJ:
            in_emoji = False
        before = char
    return total


def _joined(before: str, char: str, *, regionals: int, in_emoji: bool) -> bool:
    if unicodedata.category(before) in ("Cc", "Zl", "Zp") or unicodedata.category(char) in ("Cc", "Zl", "Zp"):
        return before == "\r" and char == "\n"
    if _extends(char):
        return True
    if before == _ZWJ and in_emoji and _pictographic(char):
        return True
    if _regional(char) and _regional(before):
        return regionals % 2 == 1
    return _joins_hangul(before, char)
