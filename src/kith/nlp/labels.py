"""What is read from a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Tier = Literal["fast", "best"]

SENTIMENTS = ("negative", "neutral", "positive")
EMOTIONS = ("anger", "joy", "optimism", "sadness", "fear", "surprise", "none")
INTENTS = ("complaint", "question", "praise", "purchase", "churn", "suggestion", "thanks", "person", "other")


@dataclass(frozen=True, slots=True)
class Aspect:
    """Something that the text speaks of, in its words, and how: one of `SENTIMENTS`."""

    aspect: str
    sentiment: str


@dataclass(frozen=True, slots=True)
class Labels:
    """What was read from one text.

    `language` is a code of ISO 639-1, or "und" where the text does not say; scores of sentiment and of emotion each
    sum to 1, those of intents stand for themselves (0 to 1), as do `offensive` and `urgency`. `intents` are those above
    their thresholds, the surest first, or ("other",). `model` names the weights.
    """

    language: str
    language_score: float
    sentiment: str
    sentiment_scores: Mapping[str, float]
    emotion: str
    emotion_scores: Mapping[str, float]
    offensive: float
    intents: tuple[str, ...]
    intent_scores: Mapping[str, float]
    aspects: tuple[Aspect, ...]
    urgency: float
    tier: str
    model: str
