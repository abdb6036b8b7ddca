"""A query that can't be read is told where, and what to do."""

from __future__ import annotations

import pytest

from kith.queries import QueryError, parse
from kith.queries.parser import MOST_CHARACTERS, MOST_DEPTH, MOST_TERMS

WRONG = [
    ("", 0, 1, "empty"),
    ("  ", 0, 2, "empty"),
    ("a (b", 2, 1, "never closed"),
    ("a b)", 3, 1, "Nothing was opened"),
    ("a ()", 3, 1, "nothing between these brackets"),
    ("a (", 2, 1, "never closed"),
    ('a "b c', 2, 1, "never closed"),
    ('""', 0, 2, "nothing between the quotes"),
    ("a OR", 2, 2, "Something must follow OR"),
    ("OR a", 0, 2, "at the beginning"),
    ("a AND OR b", 6, 2, "after AND"),
    ("(a OR)", 5, 1, "between OR and this bracket"),
    ("NOT", 0, 3, "Something must follow NOT"),
    ("NOT a", 0, 3, "only says NOT"),
    ("NOT a NOT (b OR c)", 0, 3, "only says NOT"),
    ("(NOT a) OR (NOT lang:en)", 1, 3, "only says NOT"),
    ("a NEAR b", 2, 4, "1 to 100"),
    ("a NEAR/0 b", 2, 6, "1 to 100"),
    ("a NEAR/101 b", 2, 8, "1 to 100"),
    ("a NEAR/2 lang:en", 2, 6, "NEAR stands between"),
    ("(a b) NEAR/2 c", 6, 6, "AND can't be a side"),
    ("(a NEAR/2 b) NEAR/2 c", 13, 6, "NEAR can't be a side"),
    ("a NEAR/2 NOT b", 9, 3, "after NEAR"),
    ("langauge:en", 0, 9, "no filter “langauge”"),
    ("see https://example.com/x", 4, 21, "link:example.com/x"),
    ("lang:", 5, 1, "missing"),
    ("a lang:en,", 10, 1, "missing"),
    ("lang:english", 5, 7, "two or three letters"),
    ("sentiment:bad", 10, 3, "negative, neutral, positive"),
    ("intent:question,buy", 16, 3, "purchase"),
    ("link:example", 5, 7, "link:example.com"),
    ("near:~3km", 0, 5, "place is missing"),
    ("near:Leeds~", 11, 1, "30km"),
    ("near:Leeds~30", 11, 2, "30km"),
    ("near:Leeds~0km", 11, 3, "at most 20,000 km"),
    ("network:one!", 8, 4, "letters"),
    ("a re*d", 4, 1, "end of a word"),
    ("*bike", 0, 1, "end of a word"),
    ("a *", 2, 1, "inside a phrase"),
    ('"* shop"', 1, 1, "two others"),
    ('"shop *"', 6, 1, "two others"),
    ("!*", 1, 1, "letter or a digit"),
    ("bike -giveaway", 5, 1, "NOT giveaway"),
    ("a \ufe0f", 2, 1, "nothing here"),
    ("x" * (MOST_CHARACTERS + 3), MOST_CHARACTERS, 3, "at most 4,000"),
    ("a " * (MOST_TERMS + 1), MOST_TERMS * 2, 1, "at most 200 terms"),
    ("(" * (MOST_DEPTH + 1) + "a" + ")" * (MOST_DEPTH + 1), MOST_DEPTH, 1, "20 deep"),
    ("NOT " * (MOST_DEPTH + 1) + "a", MOST_DEPTH * 4, 3, "20 deep"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "position", "length", "words"), WRONG)
def test_the_error_points_at_the_character(query: str, position: int, length: int, words: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert words in caught.value.message
    assert caught.value.position == position
    if "20 deep" not in words:
        assert caught.value.length == length


def test_limits_are_limits_and_not_less() -> None:
    parse("a " * MOST_TERMS)
    parse("(" * MOST_DEPTH + "a" + ")" * MOST_DEPTH)
    parse("x" * MOST_CHARACTERS)
