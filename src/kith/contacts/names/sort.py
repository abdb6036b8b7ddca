"""How names sort, are searched, and stand in lists."""

from __future__ import annotations

import re
import unicodedata


def sort_key(*parts: str) -> str:
    """Text by which names sort in any locale: folded, without accents; "C.UTF-8" alone puts "adam" after "Zoe"."""
    text = " ".join(part for part in parts if part).casefold()
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", plain).strip()[:300]


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
