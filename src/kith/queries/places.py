"""Whether a post comes from somewhere: by distance where both places are known, by name otherwise.

Known are the cities of 15,000 people and more in `places.tsv.gz` (GeoNames, CC BY 4.0; made by tools/make_places.py).
"""

from __future__ import annotations

import gzip
from functools import cache, lru_cache
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any, Final

from kith.queries.fold import fold

Where = tuple[float, float]
_City = tuple[str, float, float]

_EARTH: Final = 6371.0088
_FILE: Final = Path(__file__).with_name("places.tsv.gz")


@cache
def _table() -> tuple[dict[str, list[_City]], dict[str, set[str]]]:
    """Cities by every name they have, the largest that has it for its own first; and countries (and states) by theirs."""
    own: dict[str, list[_City]] = {}
    others: list[tuple[str, _City]] = []
    countries: dict[str, set[str]] = {}
    for line in gzip.decompress(_FILE.read_bytes()).decode().split("\n"):
        if line.startswith("="):
            name, code = line[1:].split("\t")
            countries.setdefault(name, set()).add(code)
        elif line[:1] != "#":
            code, latitude, longitude, *names = line.split("\t")
            city = (code, float(latitude), float(longitude))
            own.setdefault(names[0], []).append(city)
            others += [(name, city) for name in names[1:]]
    for name, city in others:
        own.setdefault(name, []).append(city)
    return own, countries


@lru_cache(maxsize=10_000)
def _found(name: str) -> tuple[Where | None, bool]:
    """Where a place of this name is; and whether it is named with a country or state where we know none of the name."""
    cities, countries = _table()
    parts = [_plain(part) for part in name.split(",")]
    for number, part in enumerate(parts):
        if part in cities:
            hints = [countries[one] for one in parts[number + 1 :] if one in countries]
            for code, latitude, longitude in cities[part]:
                if all(code in hint or code[:2] in hint for hint in hints):
                    return (latitude, longitude), False
            return None, True
    return None, False


def is_near(place: Any, wanted: str, kilometres: float) -> bool:
    """`place` is what a post tells: a name, {"name", "lat", "lon"}, or [lat, lon]."""
    here, name = _told(place)
    there, _ = _found(wanted)
    elsewhere = False
    if here is None and name is not None:
        here, elsewhere = _found(name)
    if here and there:
        return _distance(here, there) <= kilometres
    if name is None or (elsewhere and there):
        return False
    return _plain(wanted) in [_plain(part) for part in (name, *name.split(","))]


def _told(place: Any) -> tuple[Where | None, str | None]:
    if isinstance(place, str):
        return None, place
    if isinstance(place, dict):
        name = place.get("name")
        return _where(place.get("lat"), place.get("lon")), name if isinstance(name, str) else None
    if isinstance(place, list | tuple) and len(place) == 2:
        return _where(*place), None
    return None, None


def _where(latitude: Any, longitude: Any) -> Where | None:
    for number, most in ((latitude, 90), (longitude, 180)):
        if not isinstance(number, int | float) or not -most <= number <= most:
            return None
    return float(latitude), float(longitude)


def _distance(one: Where, other: Where) -> float:
    """Kilometres over the ground of a round earth."""
    a, b, c, d = map(radians, (*one, *other))
    half = sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2
    return 2 * _EARTH * asin(sqrt(min(1.0, half)))


def _plain(text: str) -> str:
    return " ".join(fold(text).split())
