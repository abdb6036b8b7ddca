"""The fast tier: sums of small vectors, for everything that passes by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Final

import numpy as np

from kith.nlp import cues
from kith.nlp.compose import Floats, Thresholds, compose
from kith.nlp.features import Features, words
from kith.nlp.labels import Labels
from kith.nlp.language import WEIGHTS, language
from kith.nlp.text import clean

_BATCH: Final = 512


class FastModel:
    def __init__(self) -> None:
        meta = json.loads((WEIGHTS / "fast.json").read_text(encoding="utf-8"))
        self.name: str = meta["model"]
        self._prior = np.log(np.array(meta["prior"], dtype=np.float32))
        self.thresholds = Thresholds(**meta["thresholds"])
        self.shifts: dict[str, float] = meta["shifts"]
        with np.load(WEIGHTS / "fast.npz") as kept:
            self._vectors = kept["vectors"].astype(np.float32) * kept["scales"].astype(np.float32)[:, None]
            self._weights = kept["weights"].astype(np.float32)
            self._bias = kept["bias"].astype(np.float32)
            vocabulary = kept["vocabulary"].tobytes().decode().split("\n")
        self._heads: list[tuple[str, int, int]] = [tuple(one) for one in meta["heads"]]
        self._features = Features({name: number for number, name in enumerate(vocabulary)})
        self._nothing = len(vocabulary)
        self._vectors = np.vstack([self._vectors, np.zeros((1, self._vectors.shape[1]), dtype=np.float32)])

    def logits(self, texts: Sequence[Sequence[str]]) -> dict[str, Floats]:
        """What each head says of texts, given as their words: name -> [texts, classes]."""
        rows = [self._features.of(given) or [self._nothing] for given in texts]
        counts = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        flat = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=int(counts.sum()))
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        mean = np.add.reduceat(self._vectors[flat], starts, axis=0) / np.sqrt(counts)[:, None]
        every = mean.astype(np.float32) @ self._weights + self._bias
        return {name: every[:, first:last] for name, first, last in self._heads}

    def annotate(self, texts: Sequence[str]) -> list[Labels]:
        found: list[Labels] = []
        for start in range(0, len(texts), _BATCH):
            cleaned = [clean(text) for text in texts[start : start + _BATCH]]
            small = [text.lower() for text in cleaned]
            given = [words(text) for text in small]
            languages = [language(text) for text in cleaned]
            logits = self.logits(given)
            english = [place for place, (code, _) in enumerate(languages) if code in ("en", "und")]
            logits["sentiment"][english] -= (
                self._prior
            )  # so that classes which are rare in the English texts count as much
            found += compose(
                logits,
                list(map(cues.found, small, given)),
                languages,
                [()] * len(cleaned),
                thresholds=self.thresholds,
                shifts=self.shifts,
                tier="fast",
                model=self.name,
            )
        return found


@cache
def fast_model() -> FastModel:
    return FastModel()
