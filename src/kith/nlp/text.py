"""Text as the models read it: the same in training and in use, or nothing that was learnt holds."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

LIMIT = 2000
"""Characters of a text that are read: its first three quarters and its end."""

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_LINK = re.compile(r"(?:https?://|www\.)\S+|\bhttp\b")
_HANDLE = re.compile(r"(?<!\w)@[\w.]*\w")
_MANY_USERS = re.compile(r"(?:@user[\s,]*){3,}")
_HASHTAG = re.compile(r"#(\w+)")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|_")
_LONG = re.compile(r"(\w)\1{2,}")
_MARKS = re.compile(r"([!?.,\-=_*~])\1{2,}")
_SPACE = re.compile(r"\s+")
_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "…": "..."}
)


@lru_cache(maxsize=4096)
def _symbol(character: str) -> str:
    """What a pictograph is called, as words; nothing for what only shapes the one before it."""
    point = ord(character)
    if (
        0x1F3FB <= point <= 0x1F3FF
        or point in (0x200D, 0xFE0F, 0xFE0E, 0x20E3)
        or 0xE0020 <= point <= 0xE007F
    ):
        return ""
    name = unicodedata.name(character, "")
    if not name or name.startswith(("VARIATION", "TAG ")):
        return " "
    return " " + " ".join(name.lower().replace("-", " ").split()[:4]) + " "


_SYMBOL = re.compile(
    "[\u203c\u2049\u20e3\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934\u2935\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff\U000e0020-\U000e007f\ufe0e\ufe0f\u200d]+"
)


def _symbols(match: re.Match[str]) -> str:
    said: list[str] = []
    for character in match.group():
        name = _symbol(character)
        if name and said.count(name) < 2 and len(said) < 6:
            said.append(name)
    return "".join(said)


def _hashtag(match: re.Match[str]) -> str:
    return "# " + _CAMEL.sub(" ", match.group(1))


def clean(text: str) -> str:
    """The text in one line, with what differs without meaning made equal: links, handles, pictographs, stretched words.

    Of texts longer than `LIMIT` characters the first three quarters of the limit and the last quarter are read.
    """
    if len(text) > LIMIT:
        text = text[: LIMIT * 3 // 4] + " " + text[-LIMIT // 4 :]
    if "\\u" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text)
    if "&" in text:
        text = html.unescape(text)
    text = _LINK.sub("http", text)
    text = _HANDLE.sub("@user", text)
    text = _MANY_USERS.sub("@user @user ", text)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()  # half a pair has no meaning, and no form in UTF-8
        text = _SYMBOL.sub(_symbols, text.translate(_QUOTES))
    if "#" in text:
        text = _HASHTAG.sub(_hashtag, text)
    text = _LONG.sub(r"\1\1", text)
    text = _MARKS.sub(r"\1\1\1", text)
    return _SPACE.sub(" ", text).strip()
