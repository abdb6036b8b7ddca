"""Names: how they sort, how they are searched, and whether one may be used in a greeting."""

from __future__ import annotations

import re
import unicodedata

VOWELS = set("aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýÿœāēīōūăĕğıőűąęįų")
PLACEHOLDERS = frozenset(
    [
        "test",
        "tester",
        "testing",
        "unknown",
        "none",
        "null",
        "n/a",
        "na",
        "name",
        "vorname",
        "nachname",
        "firstname",
        "lastname",
        "first",
        "last",
        "user",
        "customer",
        "kunde",
        "cliente",
        "asdf",
        "qwerty",
        "xxx",
        "abc",
        "anonymous",
        "guest",
        "admin",
        "noreply",
        "no-reply",
    ]
)
COMPANY = re.compile(
    r"(?i)\b(gmbh|ltd|llc|inc|ag|s\.?a\.?|s\.?l\.?|plc|kg|bv|oy|ab|srl|co\.|corp|team|support)\b"
)
MOJIBAKE = re.compile("Ã[\x80-\xbf¤¶¼©¨±]|Â[\xa0-\xbf]|â€|ï¿½|\ufffd")


def sort_key(*parts: str) -> str:
    """Text by which names sort in any locale: folded, without accents; "C.UTF-8" alone puts "adam" after "Zoe"."""
    text = " ".join(part for part in parts if part).casefold()
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", plain).strip()[:300]


def greeting_confidence(name: str) -> float:
    """How sure we are, 0 to 1, that a person would like to be greeted by this given name; below .5 it is not used."""
    text = name.strip()
    letters = [c for c in text if c.isalpha()]
    if not letters or MOJIBAKE.search(text) or any(c.isdigit() or c in "@/<>{}[]|\\_" for c in text):
        return 0.0
    if text.casefold().strip(".") in PLACEHOLDERS or COMPANY.search(text):
        return 0.0
    if len(letters) == 1 or (re.fullmatch(r"(?:\w\.?\s*){1,3}", text) and "." in text):
        return 0.1
    latin = all("LATIN" in unicodedata.name(c, "") for c in letters)
    if latin and not any(c in VOWELS for c in text.casefold()):
        return 0.1
    if latin and len(letters) > 2 and text.isupper():
        return 0.3
    if latin and re.search(r"(?i)[bcdfghjklmnpqrstvwxz]{5,}", text):
        return 0.3
    if latin and text.islower():
        return 0.4
    return 0.9


def greeting_name(*, preferred: str, given: str, confidence: float) -> str:
    """The name to greet by, "" when none is sure: `confidence` is a contact's `name_confidence`."""
    return (preferred or given) if confidence >= 0.5 else ""


def person_name(
    *,
    preferred: str = "",
    family: str = "",
    name: str = "",
    display: str = "",
    handle: str = "",
    external_id: str = "",
) -> str:
    """What a person is called in lists: how they want to be called, else their name, else what their network shows."""
    if preferred:
        return preferred if not family or family in preferred else f"{preferred} {family}"
    return name or display or handle or external_id


def initials(name: str) -> str:
    """One or two letters for a round picture; "?" when there are none."""
    words = [w for w in re.split(r"[\s@._-]+", name) if w and w[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()
