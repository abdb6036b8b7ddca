"""What a query means: each line of the language's rules, on the reference matcher."""

from __future__ import annotations

from typing import Any

import pytest

from kith.queries import Matcher, Post, matches, parse


def found(query: str, text: str, **about: Any) -> list[str] | None:
    """The parts of the text that matched, by both matchers."""
    post = Post("1", text, **about)
    spans = matches(parse(query), post)
    matcher = Matcher()
    matcher.add("key", parse(query))
    assert matcher.match([post]) == ([] if spans is None else [(0, "key", spans)])
    return None if spans is None else [text[start:end] for start, end in spans]


YES = [
    ("bike", "My BIKE.", ["BIKE"]),
    ("bike shop", "a shop for every bike", ["shop", "bike"]),
    ("a AND b", "b a", ["b", "a"]),
    ("a OR b c", "a", ["a"]),  # AND binds before OR
    ("(a OR b) c", "b c", ["b", "c"]),
    ("NOT a b", "b", ["b"]),  # NOT binds before AND
    ("b NOT (a OR c)", "b", ["b"]),
    ("NOT NOT a b", "a b", ["b"]),
    ("a OR b", "b a b", ["b", "a", "b"]),
    ("(a x) OR b", "a b", ["b"]),  # a contributed nothing
    ('"bike shop"', "the Bike \n\u00a0shop", ["Bike \n\u00a0shop"]),
    ("“bike shop”", "bike shop", ["bike shop"]),
    ("«bike shop»", "bike shop", ["bike shop"]),
    ('"the * shop"', "the e-bike shop", ["the e-bike shop"]),
    ('"the * * shop"', "the big, red shop", ["the big, red shop"]),
    ("recommend*", "I recommended, would RECOMMEND", ["recommended", "RECOMMEND"]),
    ('"can recommend* it"', "can recommending it", ["can recommending it"]),
    ("bike NEAR/2 broken", "broken is my bike", ["broken", "bike"]),
    ("(bike OR wheel) NEAR/1 (broken OR bent)", "bent the wheel", ["bent", "wheel"]),
    ("a NEAR/1 b NEAR/1 c", "a x b y c", ["a", "b", "c"]),
    ('"my bike" NEAR/2 "very bad"', "very bad, this is my bike", ["very bad", "my bike"]),
    ("a NEAR/1 b", "a e-bike b", ["a", "b"]),  # a hyphen's word is one
    ("a NEAR/1 b", "a b x y a", ["a", "b"]),  # the second a is too far away
    ("straße", "STRASSE", ["STRASSE"]),
    ("STRASSE", "die Straße!", ["Straße"]),
    ("café", "Cafe", ["Cafe"]),
    ("cafe", "cafe\u0301s café cafe\u0301", ["café", "cafe\u0301"]),
    ("lodz", "Łódź", ["Łódź"]),
    ("istanbul", "İSTANBUL", ["İSTANBUL"]),
    ("office", "oﬃce", ["oﬃce"]),
    ("don't", "I don’t", ["don’t"]),
    ("“don’t know”", "don't know", ["don't know"]),
    ("acme", "acme's, Acme™ #acme @acme _ acme-x", ["acme", "Acme", "acme", "acme", "acme"]),
    ("e-bike", "E-Bike e\u2011bike", ["E-Bike", "e\u2011bike"]),
    ("bike", "e-bike", ["bike"]),
    ("#cycling", "I love #Cycling!", ["#Cycling"]),
    ("＃cycling", "#cycling", ["#cycling"]),
    ("#cycl*", "#cycling cycling", ["#cycling"]),
    ("#東京", "今日は#東京 で", ["#東京"]),
    ("@acme", "hello @ACME.", ["@ACME"]),
    ("@acme.example.com", "to @acme.example.com, hello", ["@acme.example.com"]),
    ("link:example.com", "see https://www.Example.com/Shop?x=1.", ["https://www.Example.com/Shop?x=1"]),
    ("link:example.com", "(example.com)", ["example.com"]),
    ("link:example.com/shop", "https://example.com/shop/7", ["https://example.com/shop/7"]),
    ("link:https://www.example.com/", "example.com/x", ["example.com/x"]),
    ("東京", "今日は東京に", ["東京"]),
    ("自行車", "買自行車了", ["自行車"]),
    ("哈哈", "哈哈哈", ["哈哈", "哈哈"]),
    ("자전거", "자전거를", ["자전거"]),
    ("자전거", "\u110c\u1161\u110c\u1165\u11ab\u1100\u1165\u1105\u1173\u11af", ["\u110c\u1161\u110c\u1165\u11ab\u1100\u1165"]),
    ("が", "か\u3099", ["か\u3099"]),
    ("カバン", "ｶﾊﾞﾝ", ["ｶﾊﾞﾝ"]),
    ("จักรยาน", "ร้านจักรยานดี", ["จักรยาน"]),
    ("iphone", "iPhone買った", ["iPhone"]),
    ("हिन्दी", "यह हिन्दी है", ["हिन्दी"]),
    ("👍", "great👍work", ["👍"]),
    ("👍", "great👍🏽work", ["👍🏽"]),
    ("👍🏿", "👍🏻", ["👍🏻"]),
    ("❤", "I❤️U", ["❤️"]),
    ("❤️", "I❤U", ["❤"]),
    ("👩‍💻", "a👩🏽‍💻!", ["👩🏽‍💻"]),
    ("🇩🇪", "🇸🇪🇩🇪", ["🇩🇪"]),
    ("c++", "I write C++.", ["C++"]),
    ("at&t", "AT&T!", ["AT&T"]),
    ("½", "1⁄2", ["1⁄2"]),
    ("می‌خواهم", "میخواهم", ["میخواهم"]),
    ("bicycle", "bi\u00adcycle", ["bi\u00adcycle"]),
    ("and", "salt and pepper", ["and"]),
]  # fmt: skip

NO = [
    ("bike", "bikes motorbike bike_1 bike2"),
    ("bike shop", "bike"),
    ("bike NOT shop", "bike shop"),
    ("NOT (a OR b) c", "b c"),
    ('"bike shop"', "shop bike"),
    ('"bike shop"', "bike-shop, bike, shop"),
    ('"the * shop"', "the shop, the very big shop, the - shop"),
    ("recommend*", "unrecommended"),
    ("a NEAR/1 b", "a x y b"),
    ("a NEAR/2 b", "a"),
    ("a NEAR/1 a", "a"),
    ("a NEAR/2 日", "a 今今今日"),
    ("e-bike", "ebike e bike e–bike"),
    ("don't", "dont don t"),
    ("#cycling", "cycling #cyclingtour x#cycling # cycling"),
    ("#東京", "東京 #東京タワー"),
    ("@acme", "acme me@acme.com @acme2 @acme.social @acme@elsewhere.example"),
    ("link:example.com", "badexample.com example.com.evil.net me@example.com example com"),
    ("link:example.com/shop", "example.com/shopping"),
    ("か", "が か\u3099"),
    ("가", "각 \u1100\u1161\u11a8"),
    ("🇪🇩", "🇩🇪🇩🇪"),
    ("हिन", "हिन्दी"),
    ("acme", "acme\u0bbe"),
]


@pytest.mark.parametrize(("query", "text", "parts"), YES)
def test_it_matches(query: str, text: str, parts: list[str]) -> None:
    assert found(query, text) == parts


@pytest.mark.parametrize(("query", "text"), NO)
def test_it_does_not_match(query: str, text: str) -> None:
    assert found(query, text) is None


@pytest.mark.parametrize(
    ("query", "about", "expected"),
    [
        ("lang:en,de", {"language": "DE"}, True),
        ("lang:en", {"language": "en-GB"}, True),
        ("lang:en-gb", {"language": "en"}, False),
        ("lang:en", {"language": "eng"}, False),
        ("lang:en", {}, False),
        ("x NOT lang:en", {}, True),
        ("network:one,two", {"network": "Two"}, True),
        ("network:one", {"network": "two"}, False),
        ("sentiment:negative,neutral", {"sentiment": "neutral"}, True),
        ("sentiment:negative", {}, False),
        ("intent:purchase", {"intents": ("question", "purchase")}, True),
        ("x OR intent:purchase", {"intents": ()}, True),
        ("y intent:churn", {"intents": ("churn",)}, False),
        ("near:Leeds", {"place": "LEEDS"}, True),
        ('near:"Bad Homburg"~5km', {"place": "Bad  Homburg, Hessen"}, True),
        ("near:Leeds~30km", {"place": {"name": "Leeds"}}, True),
        ("near:Leeds~30km", {"place": "Leedsville"}, False),
        ("near:Leeds~30km", {}, False),
        ("near:Leeds~30km", {"place": 7}, False),
    ],
)
def test_filters(query: str, about: dict[str, Any], expected: bool) -> None:
    assert (found(query, "x", **about) is not None) == expected


def test_filters_alone_match_without_spans() -> None:
    assert found("lang:en", "whatever", language="en") == []


def test_a_query_tells_what_it_asks_for() -> None:
    query = parse("a lang:en,de (network:one OR NOT network:two)")
    assert (query.languages, query.networks, query.asks_meaning) == ({"en", "de"}, {"one", "two"}, False)
    assert parse("a sentiment:negative").asks_meaning
