"""What a mailing says to one person: their name where one may be used, else a greeting without it."""

from __future__ import annotations

import re

NAME = "{name}"
_PLACE = re.compile(r"[ \t]*\{name\}")


def uses_name(*texts: str) -> bool:
    return any(NAME in text for text in texts)


def greeted(text: str, name: str) -> str:
    """The text with the name in its place; without a name the place goes, with the space before it."""
    return text.replace(NAME, name) if name else _PLACE.sub("", text)
