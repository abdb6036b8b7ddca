"""What tells our seven languages apart in short posts: words and pieces of words, weighed on UMSAB's training halves.

fastText's model knows 176 languages and guesses on five words; this one knows how people post in seven, and that there
are others (texts of Django's translations stand for them).
"""

from __future__ import annotations

import argparse
import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import django
import numpy as np

from kith.nlp.language import OURS, pieces, said
from training import data

NAMES = {code: name for name, code in data.TEXT_LANGUAGES.items()}
_MESSAGE = re.compile(r'^msgstr(?:\[\d\])? "(.+)"$', re.MULTILINE)


def translations(code: str) -> list[str]:
    found = []
    for path in sorted(Path(django.__file__).parent.glob(f"**/locale/{code}/LC_MESSAGES/django.po")):
        found += [
            re.sub(r"%\(\w+\)s|%\w|\{\w*\}|<[^>]+>|\\n", " ", one)
            for one in _MESSAGE.findall(path.read_text(encoding="utf-8"))
        ]
    return [one for one in found if len(one) > 20]


def others() -> Iterator[tuple[str, str]]:
    root = Path(django.__file__).parent / "conf" / "locale"
    for path in sorted(root.iterdir()):
        code = path.name.split("_")[0]
        if path.is_dir() and path.name not in NAMES and code not in NAMES:
            for text in translations(path.name):
                yield path.name, text


def names(text: str) -> Iterator[str]:
    for word in said(text).split():
        yield from pieces(word)


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--least", type=int, default=4)
    args = ask.parse_args()
    texts = {code: [one.text for one in data.umsab(NAMES[code], "train")] for code in OURS}
    drawn = random.Random(1)
    texts["en"] += [one.text for one in drawn.sample(data.tweeteval("sentiment", "train"), 1500)]
    strange = [text for _, text in others()]
    drawn.shuffle(strange)
    seen = {code: Counter(name for text in rows for name in names(text)) for code, rows in texts.items()}
    seen["other"] = Counter(name for text in strange[:6000] for name in names(text))
    kept = sorted({name for counts in seen.values() for name, count in counts.items() if count >= args.least})
    table = np.zeros((len(kept), len(OURS) + 1), dtype=np.float32)
    for column, code in enumerate([*OURS, "other"]):
        whole = sum(seen[code][name] for name in kept)
        share = 0.3 if code != "other" else 1.0
        for row, name in enumerate(kept):
            table[row, column] = math.log((seen[code][name] + share) / (whole + share * len(kept)))
    table -= table.max(axis=1, keepdims=True)
    table = np.clip(np.round(table * 16), -127, 0).astype(np.int8)
    np.savez_compressed(
        args.out / "language.npz", table=table, names=np.frombuffer("\n".join(kept).encode(), dtype=np.uint8)
    )
    print(
        len(kept),
        "names,",
        (args.out / "language.npz").stat().st_size,
        "bytes;",
        len(strange),
        "texts of other languages",
    )


if __name__ == "__main__":
    main()
