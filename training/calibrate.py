"""Where the cut-offs lie: shifts of heads with two answers, set on validation texts, written beside the weights.

A head learns how common its label is in its training set; the cut at one half then suits that set alone.
"""

from __future__ import annotations

import argparse
import json
import math

from kith.nlp import annotate
from kith.nlp.language import WEIGHTS
from training import data, scores


def _logit(share: float) -> float:
    share = min(max(share, 0.0005), 0.9995)
    return math.log(share / (1 - share))


def _best_shift(truth: list[int], shares: list[float]) -> float:
    """The shift of the logit that gives the best macro F1 at one half; the middle of those as good within half a point."""
    logits = [_logit(share) for share in shares]
    steps = [number / 20 for number in range(-40, 41)]
    found = [(scores.macro_f1(truth, [int(one + step > 0) for one in logits]), step) for step in steps]
    best = max(value for value, _ in found)
    good = [step for value, step in found if value >= best - 0.005]
    return round(good[len(good) // 2], 2)


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("tier", choices=("fast", "best"))
    args = ask.parse_args()
    path = WEIGHTS / ("fast.json" if args.tier == "fast" else "english.json")
    meta = json.loads(path.read_text(encoding="utf-8"))
    meta["shifts"], meta["thresholds"] = {}, {}
    path.write_text(json.dumps(meta), encoding="utf-8")
    rows = data.tweeteval("offensive", "val")
    found = annotate([one.text for one in rows], tier=args.tier)
    meta["shifts"]["offensive"] = _best_shift(
        [one.targets["offensive"] for one in rows], [one.offensive for one in found]
    )
    rows = data.folds(data.complaints(), 6)[0]
    found = annotate([one.text for one in rows], tier=args.tier)
    meta["shifts"]["complaint"] = _best_shift(
        [one.targets["complaint"] for one in rows], [one.intent_scores["complaint"] for one in found]
    )
    moved = data.tweeteval("emotion", "val")
    found = annotate([one.text for one in moved], tier=args.tier)
    felt = sorted(_logit(1 - one.emotion_scores["none"]) for one in found)
    # nine of ten posts of the emotion set are to be given an emotion: none must be less than one half of the shares by some
    meta["shifts"]["felt"] = round(max(0.0, min(2.5, 0.8 - felt[len(felt) // 10])), 2)
    rows = data.folds(data.purchases(), 6)[0]
    found = annotate([one.text for one in rows], tier=args.tier)
    pairs = sorted(
        (
            (one.intent_scores["purchase"], row.targets["purchase"])
            for one, row in zip(found, rows, strict=True)
        ),
        reverse=True,
    )
    right, cut = 0, 0.95
    for number, (score, truth) in enumerate(pairs, start=1):
        right += truth
        if number >= 10 and right / number >= 0.8:
            cut = score
    meta["thresholds"]["purchase"] = round(cut, 3)
    path.write_text(json.dumps(meta), encoding="utf-8")
    print(args.tier, meta["shifts"], meta["thresholds"])


if __name__ == "__main__":
    main()
