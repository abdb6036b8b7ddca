"""The best tier: a small transformer, its weights in 8 bits, for what concerns us."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from kith.nlp import cues
from kith.nlp.compose import Floats, Thresholds, compose
from kith.nlp.features import words
from kith.nlp.labels import SENTIMENTS, Aspect, Labels
from kith.nlp.language import WEIGHTS, language
from kith.nlp.text import clean

TOKENS: Final = 96
_BATCH: Final = 24
_CHUNK: Final = 768


class Network:
    """One ONNX graph with its vocabulary; every head in one pass, on one core."""

    def __init__(self, name: str) -> None:
        meta = json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
        self.name: str = meta["model"]
        self.thresholds = Thresholds(**meta["thresholds"])
        self.shifts: dict[str, float] = meta["shifts"]
        self._heads: list[tuple[str, int]] = [tuple(one) for one in meta["heads"]]
        self._tags: bool = meta["tags"]
        self._pad: int = meta["pad"]
        self._coder = Tokenizer.from_file(str(WEIGHTS / f"{name}.tokens.json"))
        self._coder.no_padding()
        self._coder.enable_truncation(TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(WEIGHTS / f"{name}.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def read(self, texts: Sequence[str]) -> tuple[dict[str, Floats], list[tuple[Aspect, ...]]]:
        """Logits of every head for each cleaned text, and what each speaks of."""
        coded = self._coder.encode_batch(list(texts))
        order = sorted(range(len(coded)), key=lambda place: len(coded[place].ids))
        logits = np.empty((len(texts), sum(size for _, size in self._heads)), dtype=np.float32)
        aspects: list[tuple[Aspect, ...]] = [()] * len(texts)
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            longest = len(coded[places[-1]].ids)
            ids = np.full((len(places), longest), self._pad, dtype=np.int64)
            mask = np.zeros((len(places), longest), dtype=np.int64)
            for row, place in enumerate(places):
                numbers = coded[place].ids
                ids[row, : len(numbers)] = numbers
                mask[row, : len(numbers)] = 1
            out: list[Any] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
            logits[places] = out[0]
            if self._tags:
                for row, place in enumerate(places):
                    aspects[place] = _aspects(texts[place], coded[place], out[1][row])
        found, at = {}, 0
        for name, size in self._heads:
            found[name] = logits[:, at : at + size]
            at += size
        return found, aspects


def _aspects(text: str, coded: Encoding, tags: NDArray[np.float32]) -> tuple[Aspect, ...]:
    """Runs of tokens that are marked, as the words of the text, each with the sentiment that its tokens say together."""
    marked = tags[: len(coded.ids)].argmax(axis=1)
    if not marked.any():
        return ()
    runs: list[tuple[int, int, NDArray[np.float32]]] = []
    before = None
    for place, (start, end) in enumerate(coded.offsets):
        if end <= start or marked[place] == 0:
            before = None
            continue
        word = coded.word_ids[place]
        if runs and before is not None:
            runs[-1] = (runs[-1][0], end, runs[-1][2] + tags[place, 1:])
        else:
            while start > 0 and text[start - 1].isalnum():
                start -= 1
            runs.append((start, end, tags[place, 1:].copy()))
        before = word
    found: dict[str, str] = {}
    for start, end, scores in runs:
        while end < len(text) and text[end].isalnum():
            end += 1
        name = text[start:end].strip(" .,;:!?\"'()").lower()
        if len(name) > 1 and name not in ("http", "user", "@user"):
            found.setdefault(name, SENTIMENTS[int(scores.argmax())])
    return tuple(Aspect(name, mood) for name, mood in list(found.items())[:8])


class BestModel:
    """English by a network of its own, all other languages by one that reads many."""

    def __init__(self) -> None:
        self._networks = {True: Network("english"), False: Network("multilingual")}

    def annotate(self, texts: Sequence[str]) -> list[Labels]:
        found: list[Labels] = []
        for start in range(0, len(texts), _CHUNK):
            found += self._chunk([clean(text) for text in texts[start : start + _CHUNK]])
        return found

    def _chunk(self, texts: list[str]) -> list[Labels]:
        languages = [language(text) for text in texts]
        found: dict[int, Labels] = {}
        for english, network in self._networks.items():
            ours = [place for place, (code, _) in enumerate(languages) if (code in ("en", "und")) is english]
            if not ours:
                continue
            read = [texts[place] for place in ours]
            logits, aspects = network.read(read)
            labels = compose(
                logits,
                [cues.found(small, words(small)) for small in map(str.lower, read)],
                [languages[place] for place in ours],
                aspects,
                thresholds=network.thresholds,
                shifts=network.shifts,
                tier="best",
                model=network.name,
            )
            found |= zip(ours, labels, strict=True)
        return [found[place] for place in range(len(texts))]


@cache
def best_model() -> BestModel:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    return BestModel()
