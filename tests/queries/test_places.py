"""near: by distance where both places are known, by name otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from kith.queries import Post, matches, parse


@pytest.mark.parametrize(
    ("query", "place", "expected"),
    [
        ('near:"Leeds"~30km', "Leeds", True),
        ('near:"Leeds"~30km', "Bradford, UK", True),  # 13 km
        ('near:"Leeds"~10km', "Bradford", False),
        ('near:"Leeds"~9mi', "Bradford", True),
        ('near:"Leeds"~30km', "Headingley, Leeds", True),
        ('near:"Leeds"~30km', "London", False),
        ('near:"Leeds"~300km', "LONDON, England", True),
        ('near:"Leeds"~30km', "Leeds, Alabama", False),  # too small for the table, and said to be elsewhere
        ('near:"Leeds, Alabama"~30km', "Leeds", False),
        ("near:München~20km", "Munich, Germany", True),
        ("near:Muenchen~20km", "Dachau", True),
        ("near:Köln~40km", "koeln", True),
        ("near:Paris~30km", "Paris, Texas", False),
        ('near:"Paris, Texas"~30km', "Paris, TX", True),
        ("near:東京~30km", "Tokyo", True),
        ("near:Leeds~30km", [53.8, -1.55], True),
        ("near:Leeds~30km", [51.5, -0.1], False),
        ("near:Leeds~30km", {"lat": 53.79, "lon": -1.75}, True),
        ("near:Leeds~30km", {"name": "Leeds", "lat": 33.5, "lon": -86.5}, False),
        ("near:Leeds~30km", {"name": "Leeds", "lat": "x"}, True),
        ("near:Leeds~30km", [1, 2, 3], False),
        ("near:Leeds~30km", [float("nan"), 2], False),
        ("near:Hobbiton~5km", "hobbiton, Shire", True),  # by name
        ("near:Hobbiton~5km", "Leeds", False),
    ],
)
def test_near(query: str, place: Any, expected: bool) -> None:
    assert (matches(parse(query), Post(1, "x", place=place)) is not None) == expected
