"""From what the heads say to labels: one way for both tiers, so that a tier changes how sure, never what is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kith.nlp.labels import EMOTIONS, SENTIMENTS, Aspect, Labels

Floats = NDArray[np.float32]

FEELINGS: Final = [
    "admiration",
    "amusement",
    "anger",
    "annoyance",
    "approval",
    "caring",
    "confusion",
    "curiosity",
    "desire",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "excitement",
    "fear",
    "gratitude",
    "grief",
    "joy",
    "love",
    "nervousness",
    "optimism",
    "pride",
    "realization",
    "relief",
    "remorse",
    "sadness",
    "surprise",
    "neutral",
]
_AT: Final = {name: place for place, name in enumerate(FEELINGS)}
_FEAR: Final = [_AT["fear"], _AT["nervousness"]]
_SURPRISE: Final = [_AT["surprise"]]
_FOUR: Final = [
    place for name, place in _AT.items() if name not in ("fear", "nervousness", "surprise", "neutral")
]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a label is said; found on validation texts when the model was trained."""

    complaint: float = 0.5
    purchase: float = 0.6
    praise: float = 0.5
    thanks: float = 0.5
    question: float = 0.5
    churn: float = 0.5
    suggestion: float = 0.5
    person: float = 0.5


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), dtype=np.float32)


def _rounded(scores: Floats) -> list[Any]:
    found: list[Any] = scores.astype(np.float64).round(4).tolist()
    return found


def emotions(four: Floats, feelings: Floats, felt: Floats) -> Floats:
    """Seven shares a row, in the order of `EMOTIONS`, from the four of the emotion head, 28 feelings and whether one is felt."""
    fear = feelings[:, _FEAR].max(axis=1)
    surprise = feelings[:, _SURPRISE].max(axis=1)
    others = feelings[:, _FOUR].sum(axis=1) + 0.05
    whole = fear + surprise + others
    found = np.empty((len(four), 7), dtype=np.float32)
    found[:, :4] = four * (others / whole * felt)[:, None]
    found[:, 4] = fear / whole * felt
    found[:, 5] = surprise / whole * felt
    found[:, 6] = 1 - felt
    return found


def compose(
    logits: Mapping[str, Floats],
    cues: Sequence[frozenset[str]],
    languages: Sequence[tuple[str, float]],
    aspects: Sequence[tuple[Aspect, ...]],
    *,
    thresholds: Thresholds,
    shifts: Mapping[str, float],
    tier: str,
    model: str,
) -> list[Labels]:
    """Labels for each row of the logits: of `sentiment` (3), `emotion` (4), `feelings` (28), `felt`, `offensive`, `complaint` and `purchase` (2 each).

    `shifts` move heads with two answers to where their cut-offs were set; the logits are changed in place.
    """
    for name, shift in shifts.items():
        logits[name][:, 1] += shift
    moods = softmax(logits["sentiment"])
    feelings = sigmoid(logits["feelings"])
    shares = emotions(softmax(logits["emotion"]), feelings, softmax(logits["felt"])[:, 1])
    offensive, complaint, purchase = (
        softmax(logits[name])[:, 1] for name in ("offensive", "complaint", "purchase")
    )
    moods_at, shares_at = moods.argmax(axis=1).tolist(), shares.argmax(axis=1).tolist()
    praise = np.maximum(feelings[:, _AT["admiration"]], 0.7 * feelings[:, _AT["love"]]) * moods[:, 2]
    gratitude, curiosity = feelings[:, _AT["gratitude"]], feelings[:, _AT["curiosity"]]
    limits = (
        ("complaint", thresholds.complaint), ("question", thresholds.question), ("praise", thresholds.praise), ("purchase", thresholds.purchase),
        ("churn", thresholds.churn), ("suggestion", thresholds.suggestion), ("thanks", thresholds.thanks), ("person", thresholds.person),
    )  # fmt: skip
    anger = shares[:, 0]
    base = 0.12 * moods[:, 0] + 0.28 * complaint + 0.2 * anger + 0.1 * offensive
    rows = zip(
        _rounded(moods), _rounded(shares), _rounded(offensive), _rounded(complaint), _rounded(purchase),
        _rounded(praise), _rounded(gratitude), _rounded(curiosity), base.tolist(), strict=True,
    )  # fmt: skip
    found = []
    for place, (mood, share, rude, complains, buys, praises, grateful, curious, hurry) in enumerate(rows):
        said = cues[place]
        asks = 0.92 if "asks" in said else 0.62 if "question" in said else 0.4 * curious
        leaves = min(0.97, 0.72 + 0.25 * mood[0]) if "churn" in said else 0.1 * complains
        suggests = 0.8 if "suggestion" in said else 0.02
        thanks = max(0.85 if "thanks" in said else 0.0, grateful)
        person = 0.9 if "person" in said else 0.02
        scores = {
            "complaint": complains, "question": round(asks, 4), "praise": praises, "purchase": buys, "churn": round(leaves, 4),
            "suggestion": suggests, "thanks": thanks, "person": person, "other": 0.0,
        }  # fmt: skip
        intents = [(-scores[name], name) for name, limit in limits if scores[name] >= limit]
        intents.sort()
        scores["other"] = round(1 - max(scores.values()), 4)
        if "hurry" in said:
            hurry += 0.4
        if leaves > 0.5:
            hurry += 0.15
        if person > 0.5:
            hurry += 0.25
        code, sure = languages[place]
        found.append(
            Labels(
                code, round(sure, 4), SENTIMENTS[moods_at[place]], dict(zip(SENTIMENTS, mood, strict=True)), EMOTIONS[shares_at[place]],
                dict(zip(EMOTIONS, share, strict=True)), rude, tuple(name for _, name in intents) or ("other",), scores, aspects[place],
                round(min(hurry, 1.0), 4), tier, model,
            )
        )  # fmt: skip
    return found
