"""Queries as rows: what is shown says the same as what was written, and what can't be shown is not."""

from __future__ import annotations

import random
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from kith.queries import parse
from kith.queries.builder import Rows, rows

EXAMPLE = (
    '("bike shop" OR #cycling) AND (recommend* OR "looking for") NOT giveaway lang:en '
    'network:one,another near:"Leeds"~30km'
)


def test_a_whole_query_in_rows() -> None:
    assert rows(parse(EXAMPLE)) == Rows(
        some=(("bike shop", "#cycling"), ("recommend*", "looking for")),
        none=("giveaway",),
        languages=("en",),
        networks=("another", "one"),
        place="Leeds",
        distance="30km",
    )


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        "bike",
        "e-bike Köln STRASSE",
        "bike AND (velo OR (cycle OR “city bike”))",
        "bike (tyre AND (chain AND hub))",
        "bike NOT (car OR van)",
        "bike NOT NOT velo",
        'bike NOT (car OR "NOT")',
        '"the * shop" @acme #tag link:example.com/shop',
        '"AND" "lang:en" "(" "NEAR/5" "-bike"',
        'link:"example.com"',
        "bike sentiment:negative intent:purchase,question",
        "bike near:York",
        'bike near:"New York"~12.5mi',
        "東京 😀 naïve",
    ],
)
def test_rows_say_what_the_query_says(text: str) -> None:
    query = parse(text)
    shown = rows(query)
    assert shown is not None
    again = parse(shown.text())
    assert rows(again) == shown
    assert _meaning(again.node) == _meaning(query.node)


@pytest.mark.parametrize(
    "text",
    [
        "bike NEAR/3 broken",
        "bike OR (shop AND repair)",
        "bike OR lang:en",
        "bike NOT (car van)",
        "bike NOT lang:de",
        "bike lang:de lang:en",
        "bike near:Leeds near:York",
        "bike OR NOT car",
    ],
)
def test_what_rows_cannot_show_is_not_shown_as_something_else(text: str) -> None:
    assert rows(parse(text)) is None


@pytest.mark.parametrize(
    ("term", "written"),
    [
        ("bike", "bike"),
        ("  bike   shop ", '"bike shop"'),
        ("#cycling", "#cycling"),
        ("recommend*", "recommend*"),
        ("AND", '"AND"'),
        ("and", "and"),
        ("lang:en", '"lang:en"'),
        ('a "b" c', '"a b c"'),
        ('"bike"', '"bike"'),
        ("-bike", '"-bike"'),
        ("bike) OR (car", '"bike) OR (car"'),
        ("", ""),
        ('"', ""),
        ("link:example.com", "link:example.com"),
        ("two link:example.com", '"two link:example.com"'),
    ],
)
def test_a_term_stays_one_term(term: str, written: str) -> None:
    assert Rows(every=(term,)).text() == written


def test_empty_rows_are_an_empty_query() -> None:
    assert Rows(some=((), ("",)), place=" ", languages=(" ",)).text() == ""


def test_rows_drawn_at_random_come_back() -> None:
    draw = random.Random(7)
    terms = [
        "bike",
        "city bike",
        "#tag",
        "@acme",
        "recom*",
        "AND",
        "lang:en",
        "Straße",
        "東京",
        "😀",
        "e-bike",
        "a (b)",
    ]
    for _ in range(2000):
        some = tuple(tuple(draw.sample(terms, draw.randint(2, 4))) for _ in range(draw.randint(0, 2)))
        made = Rows(
            tuple(draw.sample(terms, draw.randint(1, 3))),
            some,
            tuple(draw.sample(terms, draw.randint(0, 3))),
            languages=tuple(sorted(draw.sample(["de", "en", "fr"], draw.randint(0, 2)))),
            intents=tuple(draw.sample(["purchase", "question"], draw.randint(0, 1))),
            place=draw.choice(["", "Leeds", "New York"]),
        )
        made = replace(made, distance=draw.choice(["", "5km", "2.5mi"]) if made.place else "")
        assert rows(parse(made.text())) == made


def _meaning(node: Any) -> Any:
    """The tree without places in the query's text, with what is in brackets for nothing taken out of them."""
    if isinstance(node, tuple):
        return tuple(_meaning(one) for one in node)
    if not is_dataclass(node):
        return node
    name = type(node).__name__
    if name == "Not" and type(node.item).__name__ == "Not":
        return _meaning(node.item.item)
    if name == "Not" and type(node.item).__name__ == "Or":
        inside = [("Not", _meaning(one)) for one in _below(node.item, "Or")]
        return ("And", frozenset(inside))
    if name in ("And", "Or"):
        items: set[Any] = set()
        for one in _below(node, name):
            meant = _meaning(one)
            items |= meant[1] if meant[0] == name else {meant}
        return (name, frozenset(items))
    return (name, *(_meaning(getattr(node, one.name)) for one in fields(node) if one.name != "at"))


def _below(node: Any, name: str) -> list[Any]:
    return [
        one for item in node.items for one in (_below(item, name) if type(item).__name__ == name else [item])
    ]
