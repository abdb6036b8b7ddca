"""The labelled sets, read from their folders into one form."""

from __future__ import annotations

import csv
import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kith.nlp.text import clean

TEXT_LANGUAGES = {
    "arabic": "ar",
    "english": "en",
    "french": "fr",
    "german": "de",
    "hindi": "hi",
    "italian": "it",
    "portuguese": "pt",
    "spanish": "es",
}
SENTIMENTS = ("negative", "neutral", "positive")
EMOTIONS = ("anger", "joy", "optimism", "sadness")
BUYING = {"pi": 1, "yes": 1, "no": 0, "undefined": 0}


@dataclass(slots=True)
class Example:
    """A text with what is known of it: target name -> class index (or a list of class indexes for `feelings`)."""

    text: str
    source: str
    targets: dict[str, int | list[int]] = field(default_factory=dict)
    domain: str = ""
    language: str = "en"


def folder() -> Path:
    given = os.environ.get("KITH_SHARED_DATA")
    return (
        Path(given) if given else Path(__file__).resolve().parents[1].parent / "shared" / "data"
    ) / "posts"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


def _pairs(path: Path, half: str) -> Iterator[tuple[str, int]]:
    for text, label in zip(
        _lines(path / f"{half}_text.txt"), _lines(path / f"{half}_labels.txt"), strict=False
    ):
        if text.strip():
            yield text, int(label)


def tweeteval(task: str, half: str) -> list[Example]:
    return [
        Example(clean(text), f"tweeteval-{task}", {task: label})
        for text, label in _pairs(folder() / "tweeteval" / task, half)
    ]


def umsab(language: str, half: str) -> list[Example]:
    return [
        Example(clean(text), "umsab", {"sentiment": label}, language=TEXT_LANGUAGES[language])
        for text, label in _pairs(folder() / "umsab" / language, half)
    ]


def feelings(half: str) -> list[Example]:
    """GoEmotions: 27 feelings and neutral, several each."""
    found = []
    for line in _lines(folder() / "goemotions" / f"{half}.tsv"):
        text, labels, _ = line.split("\t")
        text = re.sub(r"\[(NAME|RELIGION)\]", "someone", text)
        found.append(
            Example(clean(text), "goemotions", {"feelings": [int(one) for one in labels.split(",")]})
        )
    return found


def complaints() -> list[Example]:
    with (folder() / "complaints" / "train.csv").open(newline="", encoding="utf-8") as file:
        return [
            Example(clean(row[1]), "complaints", {"complaint": int(row[2])}, domain=row[3])
            for row in csv.reader(file)
        ]


def purchases() -> list[Example]:
    with (folder() / "purchase-intent" / "training.csv").open(
        newline="", encoding="utf-8", errors="replace"
    ) as file:
        rows = list(csv.DictReader(file))
    return [
        Example(
            clean(row["text"]),
            "purchase-intent",
            {"purchase": BUYING[row["class"].strip().lower()]},
            domain=row["class"].strip().lower(),
        )
        for row in rows
    ]


def questions() -> list[Example]:
    with (folder() / "banking77" / "train.csv").open(newline="", encoding="utf-8") as file:
        return [
            Example(clean(row["text"]), "banking77", {}, domain=row["category"])
            for row in csv.DictReader(file)
        ]


def care(name: str = "dev") -> list[Example]:
    """What customers wrote to brands, unlabelled."""
    found = []
    for talk in json.loads((folder() / "ibm-twitter-care" / f"{name}.json").read_text(encoding="utf-8")):
        company = talk["dialogHeader"]["company"]
        for turn in talk["dialogContent"]:
            if turn.get("client") and turn["client"] != company and turn.get("message"):
                found.append(Example(clean(turn["message"]), "ibm-care", {}, domain=company))
    return found


@dataclass(slots=True)
class Aspects:
    """A sentence with its terms: (start, end, class of `SENTIMENTS`)."""

    text: str
    terms: list[tuple[int, int, int]]
    domain: str


def aspects() -> list[Aspects]:
    found: dict[str, Aspects] = {}
    for domain in ("Laptops", "Restaurants"):
        lines = _lines(folder() / "absa-semeval14" / f"{domain}_Train.xml.seg")
        for text, term, label in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
            start = text.index("$T$")
            whole = text.replace("$T$", term, 1)
            one = found.setdefault(whole, Aspects(whole, [], domain.lower()))
            one.terms.append((start, start + len(term), int(label) + 1))
    return list(found.values())


def english_training() -> list[Example]:
    """Every English text of the training halves.

    UMSAB's English half is left out: 1,430 of its 1,839 texts are TweetEval's validation texts, on which figures are taken.
    """
    return [
        *tweeteval("sentiment", "train"),
        *tweeteval("emotion", "train"),
        *tweeteval("offensive", "train"),
        *tweeteval("irony", "train"),
        *tweeteval("hate", "train"),
        *feelings("train"),
        *complaints(),
        *purchases(),
    ]


def folds(examples: list[Example], count: int, seed: int = 7) -> list[list[Example]]:
    """Equal parts by text, so that one text is never in two."""
    texts = sorted({one.text.lower() for one in examples})
    random.Random(seed).shuffle(texts)
    place = {text: number % count for number, text in enumerate(texts)}
    parts: list[list[Example]] = [[] for _ in range(count)]
    for one in examples:
        parts[place[one.text.lower()]].append(one)
    return parts
