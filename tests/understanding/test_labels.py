"""Which labels a reading earns, and which two are shown: case by case."""

from __future__ import annotations

from typing import Any

import pytest

from kith.understanding.labels import LABELS, MOST, labels_of, shown, shown_in_list

READING: dict[str, Any] = {
    "sentiment": "neutral",
    "sentiment_scores": {"negative": 0.1, "neutral": 0.8, "positive": 0.1},
    "language": "en",
    "language_score": 0.99,
    "intents": ("other",),
    "offensive": 0.0,
    "urgency": 0.0,
}
NEGATIVE = {"sentiment": "negative", "sentiment_scores": {"negative": 0.8, "neutral": 0.1, "positive": 0.1}}
POSITIVE = {"sentiment": "positive", "sentiment_scores": {"negative": 0.1, "neutral": 0.1, "positive": 0.8}}
TORN = {"sentiment": "negative", "sentiment_scores": {"negative": 0.4, "neutral": 0.35, "positive": 0.25}}


@pytest.mark.parametrize(
    ("reading", "wanted"),
    [
        ({}, ()),
        ({"intents": ("question",)}, ()),
        ({"intents": ("thanks",), **POSITIVE}, ("positive",)),
        (NEGATIVE, ("negative",)),
        (TORN, ("unsure",)),
        ({**TORN, "sentiment": "neutral"}, ()),
        ({"intents": ("complaint",), **NEGATIVE}, ("complaint",)),
        ({"intents": ("complaint",), **TORN}, ("complaint",)),
        ({"intents": ("complaint", "person"), "urgency": 0.9, **NEGATIVE}, ("person", "complaint")),
        ({"intents": ("complaint", "churn"), "urgency": 0.9, **NEGATIVE}, ("churn", "complaint")),
        ({"intents": ("purchase",), **POSITIVE}, ("purchase", "positive")),
        ({"intents": ("praise",), **POSITIVE}, ("praise",)),
        ({"offensive": 0.95, **NEGATIVE}, ("offensive",)),
        ({"urgency": 0.9}, ("urgent",)),
        ({"urgency": 0.69}, ()),
        ({"language": "ja", **NEGATIVE}, ("unsure",)),
        ({"language": "en", "language_score": 0.3, **NEGATIVE}, ("unsure",)),
        ({"language": "ja", "corrected": {"sentiment"}, **NEGATIVE}, ("negative",)),
        ({"corrected": {"sentiment"}, **TORN}, ("negative",)),
    ],
)
def test_two_labels_are_shown_the_most_helpful_first(
    reading: dict[str, Any], wanted: tuple[str, ...]
) -> None:
    assert shown(labels_of(**{**READING, **reading})) == wanted


def test_a_list_shows_one_and_no_doubt() -> None:
    assert shown_in_list(("person", "complaint")) == "person"
    assert shown_in_list(("unsure",)) == ""
    assert shown_in_list(()) == ""


def test_never_more_than_two_whatever_was_read() -> None:
    assert len(shown(LABELS)) == MOST == 2


def test_words_that_are_no_labels_are_none() -> None:
    assert shown(("mystery", "negative")) == ("negative",)
