"""What is asked of a network brings all that a query could find there, or nothing is asked."""

from __future__ import annotations

import pytest

from kith.listening.words import words_for


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("bike", ["bike"]),
        ("fahrräder OR räder", ["fahrräder", "räder"]),
        ('("bike shop" OR #cycling) AND (recommend* OR "looking for") NOT giveaway lang:en',
         ['"bike shop"', "#cycling"]),
        ("(a OR b) (c OR d)", ["a c", "a d", "b c", "b d"]),
        ("bike NEAR/5 shop", ["bike shop"]),
        ("link:example.com", ["example.com"]),
        ("@us network:bluesky,mastodon", ["@us"]),
        ("@us network:mastodon", []),  # of another network
        ("recommend*", []),  # a network's search knows no beginnings of words
        ("recommend* OR bike", []),  # a part of it would be no answer
        ('"a * shop"', []),
    ],
)  # fmt: skip
def test_words(query: str, asked: list[str]) -> None:
    assert words_for(query, "bluesky") == asked


def test_so_many_questions_are_not_asked() -> None:
    many = " OR ".join(f"w{n}" for n in range(20))
    assert words_for(f"({many})", "x") == []
    assert words_for(f"({many}) bike", "x") == ["bike"]
