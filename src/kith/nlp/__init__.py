"""Text in, labels out: language, sentiment, emotion, intents and more, on this machine and without a network."""

from __future__ import annotations

from collections.abc import Sequence

from kith.nlp.labels import EMOTIONS, INTENTS, SENTIMENTS, Aspect, Labels, Tier

__all__ = ["EMOTIONS", "INTENTS", "SENTIMENTS", "Aspect", "Labels", "Tier", "annotate"]


def annotate(texts: Sequence[str], *, tier: Tier = "fast") -> list[Labels]:
    """Labels of each text, in order. Of a text longer than 2,000 characters its first 1,500 and its last 500 are read.

    "fast" answers in tens of microseconds a text, "best" in milliseconds and more rightly; the weights are loaded on
    first use and kept. Raises `ValueError` for an unknown tier.
    """
    if tier == "fast":
        from kith.nlp.fast import fast_model

        return fast_model().annotate(texts)
    if tier == "best":
        from kith.nlp.best import best_model

        return best_model().annotate(texts)
    raise ValueError(f"no tier {tier!r}: fast or best")
