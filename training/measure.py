"""Figures of what ships, on texts that it was not trained on: by task, language, domain and group of speakers."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kith.nlp import Labels, Tier, annotate
from kith.nlp.language import OURS, language
from kith.nlp.text import clean
from training import data, scores


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure: in per cent, on `count` texts."""

    name: str
    value: float
    count: int


def _raw(task: str) -> list[tuple[str, int]]:
    return list(data._pairs(data.folder() / "tweeteval" / task, "val"))


def _classes(found: Sequence[Labels], names: Sequence[str], field: Callable[[Labels], str]) -> list[int]:
    return [names.index(field(one)) for one in found]


def figures(tier: Tier) -> list[Figure]:
    """TweetEval's validation halves (no text of them was trained on), UMSAB's, and the sixth part held back of the smaller sets."""
    made: list[Figure] = []

    def add(name: str, value: float, count: int) -> None:
        made.append(Figure(name, round(100 * value, 1), count))

    rows = _raw("sentiment")
    found = annotate([text for text, _ in rows], tier=tier)
    truth = [label for _, label in rows]
    said = _classes(found, ("negative", "neutral", "positive"), lambda one: one.sentiment)
    add("TweetEval sentiment, macro recall", scores.macro_recall(truth, said), len(rows))
    rows = _raw("emotion")
    found = annotate([text for text, _ in rows], tier=tier)
    truth = [label for _, label in rows]
    four = [max(data.EMOTIONS, key=lambda name, one=one: one.emotion_scores[name]) for one in found]
    add(
        "TweetEval emotion among its four, macro F1",
        scores.macro_f1(truth, [data.EMOTIONS.index(name) for name in four]),
        len(rows),
    )
    add(
        "of these texts, an emotion said", sum(one.emotion != "none" for one in found) / len(found), len(rows)
    )
    calm = [text for text, label in _raw("sentiment") if label == 1]
    found = annotate(calm, tier=tier)
    add(
        "of neutral texts, no emotion said",
        sum(one.emotion == "none" for one in found) / len(found),
        len(calm),
    )
    rows = _raw("offensive")
    found = annotate([text for text, _ in rows], tier=tier)
    add(
        "TweetEval offensive, macro F1",
        scores.macro_f1([label for _, label in rows], [int(one.offensive >= 0.5) for one in found]),
        len(rows),
    )
    held = data.folds(data.complaints(), 6)[0]
    found = annotate([one.text for one in held], tier=tier)
    truth = [one.targets["complaint"] for one in held]
    add(
        "complaints, macro F1",
        scores.macro_f1(truth, [int("complaint" in one.intents) for one in found]),
        len(held),
    )
    held = data.folds(data.purchases(), 6)[0]
    found = annotate([one.text for one in held], tier=tier)
    truth = [one.targets["purchase"] for one in held]
    add(
        "purchase intent, recall at precision .8",
        scores.recall_at_precision(truth, [one.intent_scores["purchase"] for one in found], 0.8),
        len(held),
    )
    values = []
    for name, code in data.TEXT_LANGUAGES.items():
        if code == "hi":
            continue
        rows = list(data._pairs(data.folder() / "umsab" / name, "val"))
        found = annotate([text for text, _ in rows], tier=tier)
        said = _classes(found, ("negative", "neutral", "positive"), lambda one: one.sentiment)
        value = scores.macro_f1([label for _, label in rows], said)
        add(f"UMSAB {name}, macro F1", value, len(rows))
        if code != "en":
            values.append((value, len(rows)))
    add(
        "UMSAB, mean of six without English",
        sum(value for value, _ in values) / 6,
        sum(count for _, count in values),
    )
    return made


def by_language() -> Figure:
    shares, count = [], 0
    for name, code in data.TEXT_LANGUAGES.items():
        if code in OURS:
            rows = [text for text, _ in data._pairs(data.folder() / "umsab" / name, "val")]
            shares.append(sum(language(clean(text))[0] == code for text in rows) / len(rows))
            count += len(rows)
    return Figure("language of short posts, mean of 7", round(100 * sum(shares) / len(shares), 1), count)


def speed(tier: Tier, count: int) -> float:
    """Posts per second of CPU, with all heads, on TweetEval's validation posts."""
    texts = ([text for text, _ in _raw("sentiment")] * (count // 2000 + 1))[:count]
    annotate(texts[:64], tier=tier)
    begun = time.process_time()
    annotate(texts, tier=tier)
    return count / (time.process_time() - begun)


def care(tier: Tier) -> list[Figure]:
    """Intents of what customers wrote to brands, against labels given by hand by one of us (training/held/care_intents.json)."""
    wanted = json.loads((Path(__file__).parent / "held" / "care_intents.json").read_text(encoding="utf-8"))
    rows = {}
    for one in data.care():
        name = hashlib.sha256(one.text.encode()).hexdigest()[:16]
        if name in wanted:
            rows[one.text] = set(wanted[name])
    found = annotate(list(rows), tier=tier)
    made = []
    for intent in ("complaint", "question", "person", "suggestion", "churn", "thanks"):
        said = [intent in one.intents for one in found]
        truth = [intent in one for one in rows.values()]
        both = sum(a and b for a, b in zip(said, truth, strict=True))
        made.append(Figure(f"{intent}: found", round(100 * both / max(sum(truth), 1), 1), sum(truth)))
        made.append(Figure(f"{intent}: right when said", round(100 * both / max(sum(said), 1), 1), sum(said)))
    return made
