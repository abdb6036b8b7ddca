"""The matcher of many gives what the slow one gives, also while queries come and go."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from kith.queries import Matcher, Post, Query, QueryError, matches, parse
from tests.queries import nasty
from tests.support.telling import Tell

AT_ONCE = 50


def queries(dice: random.Random, number: int) -> list[Query]:
    found: list[Query] = []
    while len(found) < number:
        try:
            found.append(parse(nasty.query(dice)))
        except QueryError:
            continue
    return found


def compare(dice: random.Random, pairs: int) -> tuple[int, int]:
    """How many pairs were compared, and how many of them matched."""
    compared = matched = 0
    while compared < pairs:
        some = queries(dice, AT_ONCE)
        posts = [nasty.post(dice) for _ in range(AT_ONCE)]
        matcher = Matcher()
        for number, one in enumerate(some):
            matcher.add(number, one)
        matcher._sort_at = dice.choice((0, 60, 10_000))
        for begin in range(0, AT_ONCE, 25):
            batch = posts[begin : begin + 25]
            expected = [
                (index, number, spans)
                for index, post in enumerate(batch)
                for number, one in enumerate(some)
                if (spans := matches(one, post)) is not None
            ]
            found = matcher.match(batch)
            if found != expected:
                wrong = next(one for one in (*found, *expected) if (one in found) != (one in expected))
                pytest.fail(
                    f"{some[int(str(wrong[1]))].text!r} on {batch[wrong[0]]!r}: {wrong} is in one alone"
                )
            matched += len(expected)
        compared += AT_ONCE * AT_ONCE
    return compared, matched


@pytest.mark.torture
def test_it_gives_what_the_reference_gives(full: bool, tell: Tell) -> None:
    seed = random.randrange(1 << 32) if full else 4
    dice = random.Random(seed)
    compared = matched = 0
    while compared < (1_000_000 if full else 20_000):
        more = compare(dice, 20_000)
        compared, matched = compared + more[0], matched + more[1]
        tell(f"{compared:,} pairs of a query and a post, {matched:,} of them match (seed {seed})")
    assert matched > compared / 50


def test_queries_come_and_go_while_it_runs() -> None:
    dice = random.Random(7)
    some = queries(dice, 200)
    matcher, held = Matcher(), dict[int, Query]()
    for _ in range(300):
        key = dice.randrange(len(some))
        if key in held and dice.random() < 0.5:
            del held[key]
            matcher.remove(key)
        else:
            held.pop(key, None)
            held[key] = dice.choice(some)
            matcher.add(key, held[key])
        post = nasty.post(dice)
        found = {key: spans for _, key, spans in matcher.match([post])}
        expected = {key: spans for key, one in held.items() if (spans := matches(one, post)) is not None}
        assert found == expected
    assert len(matcher) == len(held)
    for key in held:
        matcher.remove(key)
    matcher.remove("never there")
    assert matcher.match([nasty.post(dice) for _ in range(50)]) == []
    assert not any(
        (matcher._filed, matcher._prefixes, matcher._pairs, matcher._signs, matcher._parts, matcher._loose)
    )


def test_answers_come_by_posts_and_then_as_the_queries_were_added() -> None:
    matcher = Matcher()
    for key in ("z", "a", "m"):
        matcher.add(key, parse("bike OR shop"))
    matcher.add("z", parse("shop"))
    found = matcher.match([Post(1, "bike shop"), Post(2, "bike")])
    assert [(index, key) for index, key, _ in found] == [(0, "a"), (0, "m"), (0, "z"), (1, "a"), (1, "m")]


def test_moods_are_asked_for_only_where_all_else_matches() -> None:
    asked: list[str] = []

    def label(texts: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
        asked.extend(texts)
        return [("negative" if "bad" in text else "positive", ("complaint",)) for text in texts]

    matcher = Matcher(label)
    matcher.add("angry", parse("bike sentiment:negative lang:en"))
    matcher.add("fine", parse("bike NOT sentiment:negative"))
    matcher.add("plain", parse("shop"))
    matcher.add("either", parse("shop OR intent:complaint"))
    matcher.remove("either")
    posts = [
        Post(1, "bad bike", "en"),
        Post(2, "bad shop", "en"),
        Post(3, "bad bike", "de"),
        Post(4, "good bike", "en"),
        Post(5, "good bike", "en", sentiment="negative"),
    ]
    found = [(posts[index].id, key) for index, key, _ in matcher.match(posts)]
    assert found == [(1, "angry"), (2, "plain"), (4, "fine"), (5, "angry")]
    assert asked == ["bad bike", "bad bike", "good bike"]


def test_a_monstrous_text_takes_no_monstrous_time() -> None:
    """Each of these would take hours where every pair of hits, or every row of flags, were looked at anew."""
    matcher = Matcher()
    for number, text in enumerate(
        ("a NEAR/5 b NEAR/3 a", "🇩🇪", '"a a a a"', "link:example.com", "a* NEAR/9 ! NEAR/2 b*")
    ):
        matcher.add(number, parse(text))
    texts = [
        "a b " * 20_000,
        "🇩🇪" * 20_000,
        "a! " * 20_000 + "b",
        "a.b-" * 20_000,
        "a" * 80_000,
        "a-" * 40_000 + "b",
    ]
    found = matcher.match([Post(number, text) for number, text in enumerate(texts)])
    assert {(index, key) for index, key, _ in found} >= {(0, 0), (1, 1), (2, 4)}
