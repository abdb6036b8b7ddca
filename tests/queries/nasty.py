"""Queries and posts drawn at random from few pieces, so that they meet, and from those that go wrong."""

from __future__ import annotations

import random

from kith.queries import Post

WORDS = [
    "bike", "Bikes", "BIKE", "shop", "e-bike", "e", "don't", "don’t", "straße", "STRASSE", "café", "cafe\u0301", "naïve", "İstanbul",
    "recommend", "recommended", "a", "b", "c", "re", "_x", "x_", "x1", "1", "½", "1⁄2", "oﬃce", "office", "Łódź", "lodz", "cafés",
    "東京", "東", "京都", "東京タワー", "が", "か", "か\u3099", "ｶﾞ", "한국", "한", "\u1112\u1161\u11ab", "각", "가", "ไทย", "ไท",
    "हिन्दी", "हिन", "क्ष", "بيت", "بَيت", "می‌خواهم", "میخواهم", "שָׁלוֹם", "שלום", "ёлка", "елка", "Ὀδυσσεύς", "ΟΔΥΣΣΕΥΣ", "ſ", "ß", "ss",
    "👍", "👍🏽", "👩‍💻", "👩🏽‍💻", "👩", "💻", "❤", "❤️", "🇩🇪", "🇪🇩", "🇩", "🇸🇪", "1️⃣", "🏳️‍🌈", "\u200d", "\u00ad", "bi\u00adke",
    "#bike", "#Bike", "＃bike", "#東京", "#bik", "@bike", "@bike.shop", "@shop", "me@bike", "c++", "AT&T", "$$", ":-", "!", "?", "-", "'",
    "example.com", "https://example.com/shop", "www.example.com", "example.com/shop/x?y", "example.community", "http://sub.example.com",
    "\ud800", "ﷺ", "Ⓜ", "™", "acme™", "acme's", "№", "\u20e3", "\u0301", "\u3099", "ά", "ǅ", "ǆ", "ﬀ", "ff", "ı", "i", "I", "İ",
]  # fmt: skip
BETWEEN = [
    " ",
    " ",
    " ",
    " ",
    "",
    "",
    "\n",
    "  ",
    "\u00a0",
    "\u3000",
    ", ",
    ". ",
    "-",
    "‑",
    "'",
    "’",
    "#",
    "@",
    ".",
    "/",
    "_",
    "\u200b",
]
PLACES = [None, "Leeds", "leeds, uk", "Bradford", "Tokyo", "Nowhere", {"name": "Leeds"}, [53.8, -1.55], 7, ""]
LANGUAGES = [None, "en", "EN-gb", "de"]
NETWORKS = [None, "one", "Two"]
MOODS = [None, "negative", "neutral", "positive"]
INTENTS = [(), ("purchase",), ("question", "churn")]


def post(dice: random.Random) -> Post:
    text = "".join(
        dice.choice(WORDS) + dice.choice(BETWEEN) for _ in range(dice.choice((0, 1, 2, 3, 5, 8, 13)))
    )
    if dice.random() < 0.3:
        text = "".join(char for char in text if char.isascii())
    return Post(
        dice.random(), text, dice.choice(LANGUAGES), dice.choice(NETWORKS), None, None, dice.choice(PLACES),
        dice.choice(MOODS), dice.choice(INTENTS),
    )  # fmt: skip


def query(dice: random.Random, depth: int = 0) -> str:
    """Nearly always one that can be read."""
    shape = dice.random()
    if depth > 3 or shape < 0.35:
        return _leaf(dice)
    inner = [query(dice, depth + 1) for _ in range(dice.choice((2, 2, 3)))]
    if shape < 0.55:
        return f"({dice.choice((' ', ' AND ')).join(inner)})"
    if shape < 0.75:
        return f"({' OR '.join(inner)})"
    if shape < 0.87:
        return f"(NOT {inner[0]} {inner[1]})" if dice.random() < 0.8 else f"(NOT {inner[0]})"
    sides = [_side(dice) for _ in range(dice.choice((2, 2, 2, 3)))]
    return "(" + "".join(f"{side} NEAR/{dice.choice((1, 2, 3, 5))} " for side in sides[1:]) + sides[0] + ")"


def _side(dice: random.Random) -> str:
    return _term(dice) if dice.random() < 0.7 else f"({_term(dice)} OR {_term(dice)})"


def _word(dice: random.Random) -> str:
    word = dice.choice(WORDS)
    if dice.random() < 0.15:
        word = word[: dice.randint(1, len(word))] + "*"
    return word


def _term(dice: random.Random) -> str:
    if dice.random() < 0.25:
        words = [_word(dice) if dice.random() < 0.8 else "*" for _ in range(dice.choice((2, 2, 3)))]
        return '"' + " ".join(words) + '"'
    word = _word(dice)
    return f'"{word}"' if ":" in word or "-" in word[:1] else word


def _leaf(dice: random.Random) -> str:
    if dice.random() < 0.85:
        return _term(dice)
    return dice.choice(
        [
            "lang:en",
            "lang:en-gb,de",
            "network:one",
            "network:one,two",
            "sentiment:negative",
            "sentiment:neutral,positive",
            "intent:purchase",
            "intent:question,churn",
            "link:example.com",
            "link:example.com/shop",
            "link:example.com/sho*",
            "near:Leeds~30km",
            'near:"Leeds"~5mi',
            "near:Nowhere~1km",
        ]
    )
