"""A reader that says what a test tells it to, in place of the models: labels by words that stand in a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kith.understanding.types import Tier


@dataclass(frozen=True)
class Aspect:
    aspect: str
    sentiment: str


@dataclass(frozen=True)
class Read:
    """What the reader says of a text; neutral English unless told otherwise."""

    language: str = "en"
    language_score: float = 0.99
    sentiment: str = "neutral"
    sentiment_scores: Mapping[str, float] = field(
        default_factory=lambda: {"negative": 0.1, "neutral": 0.8, "positive": 0.1}
    )
    emotion: str = "none"
    emotion_scores: Mapping[str, float] = field(default_factory=lambda: {"none": 1.0})
    offensive: float = 0.0
    intents: tuple[str, ...] = ("other",)
    intent_scores: Mapping[str, float] = field(default_factory=dict)
    aspects: tuple[Aspect, ...] = ()
    urgency: float = 0.0
    tier: str = "fast"
    model: str = "test-1"


ANGRY = {"sentiment": "negative", "sentiment_scores": {"negative": 0.9, "neutral": 0.08, "positive": 0.02}}
GLAD = {"sentiment": "positive", "sentiment_scores": {"negative": 0.02, "neutral": 0.08, "positive": 0.9}}
TORN = {"sentiment": "negative", "sentiment_scores": {"negative": 0.4, "neutral": 0.35, "positive": 0.25}}


class Reader:
    """`Reader(late=dict(intents=("complaint",), **ANGRY))` reads a complaint where the word "late" stands."""

    def __init__(self, *, model: str = "test-1", **by_word: Mapping[str, Any]) -> None:
        self.by_word, self.model = by_word, model
        self.asked: list[tuple[str, Tier]] = []
        self.chokes_on = ""

    def __call__(self, texts: Sequence[str], /, *, tier: Tier = "fast") -> list[Read]:
        if self.chokes_on and any(self.chokes_on in text for text in texts):
            raise RuntimeError("choked")
        self.asked += [(text, tier) for text in texts]
        return [self._read(text, tier) for text in texts]

    def _read(self, text: str, tier: Tier) -> Read:
        found = Read(tier=tier, model=f"{self.model}-{tier}")
        for word, values in self.by_word.items():
            if word in text:
                found = replace(found, **values)
        return found
