"""Selectors that ask together find what they find by themselves, in as many statements as the one with the most steps."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from kith.core.asking import Ask, Asking, answered, asked, asked_together, lists

pytestmark = pytest.mark.django_db
VALUES = "SELECT n, %(word)s || n AS text FROM generate_series(1, %(most)s::int) n ORDER BY n DESC"


def series(word: str, most: int) -> Ask:
    return Ask(VALUES, {"word": word, "most": most})


def twice(word: str) -> Asking[list[Any]]:
    """Asks for a few, then for as many as it found, then for as many again."""
    (first,) = yield (series(word, 3),)
    (second,) = yield (series(word, len(first)),)
    return [first, second]


def nothing() -> Asking[str]:
    """Knows its answer before it asks."""
    if False:
        yield ()
    return "known"


def test_together_they_find_what_each_finds_alone(django_assert_num_queries: Any) -> None:
    alone = [asked(twice("a")), asked(lists(series("b", 2), series("a", 1))), "known"]
    with django_assert_num_queries(2):
        assert asked_together(twice("a"), lists(series("b", 2), series("a", 1)), nothing()) == alone
    assert alone[0][0] == [(3, "a3"), (2, "a2"), (1, "a1")]
    with django_assert_num_queries(0):
        assert asked_together() == []
        assert asked(nothing()) == "known"
        assert answered([]) == []


def test_values_keep_their_kinds() -> None:
    key, moment = uuid.uuid4(), datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
    given = {"key": key, "moment": moment}
    select = """
    SELECT %(key)s::uuid, %(moment)s::timestamptz, '{"a": [1, null]}'::jsonb, NULL::text, ARRAY['x', 'y"z'], true, 'ö, ("x")'::text
    """
    found, none = answered([Ask(select, given), Ask("SELECT 1 WHERE %(key)s::uuid IS NULL", given)])
    assert found == [(key, moment, {"a": [1, None]}, None, ["x", 'y"z'], True, 'ö, ("x")')]
    assert found == answered([Ask(select, given)])[0]
    assert none == []


def test_the_same_name_may_mean_other_things_to_others() -> None:
    ids = [uuid.uuid4()]
    count = "SELECT cardinality(%(ids)s::uuid[])"
    asks = [Ask(count, {"ids": ids}), Ask(count, {"ids": [*ids, *ids]}), Ask(count, {"ids": ids})]
    assert answered(asks) == [[(1,)], [(2,)], [(1,)]]
    assert answered(asks[::-1]) == [[(1,)], [(2,)], [(1,)]]
    assert answered([*asks[:2], asks[1]]) == [[(1,)], [(2,)], [(2,)]]


def test_an_answer_is_made_by_the_one_who_asked() -> None:
    whole = Ask(VALUES, {"word": "w", "most": 2}, dict)
    assert answered([whole, whole._replace(read=bool)]) == [{2: "w2", 1: "w1"}, True]
