"""The measures of the public benchmarks, written out."""

from __future__ import annotations

import math
from collections.abc import Sequence


def _counts(truth: Sequence[int], said: Sequence[int], label: int) -> tuple[int, int, int]:
    both = sum(1 for a, b in zip(truth, said, strict=True) if a == b == label)
    return both, sum(1 for a in truth if a == label), sum(1 for b in said if b == label)


def macro_recall(truth: Sequence[int], said: Sequence[int]) -> float:
    labels = sorted(set(truth))
    return sum(both / there for both, there, _ in (_counts(truth, said, one) for one in labels)) / len(labels)


def macro_f1(truth: Sequence[int], said: Sequence[int]) -> float:
    labels = sorted(set(truth))
    return sum(
        2 * both / (there + named) if there + named else 0.0
        for both, there, named in (_counts(truth, said, one) for one in labels)
    ) / len(labels)


def recall_at_precision(truth: Sequence[int], scores: Sequence[float], wanted: float) -> float:
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    there, right, best = sum(truth), 0, 0.0
    for number, place in enumerate(order, start=1):
        right += truth[place]
        last = number == len(order) or scores[order[number]] != scores[place]
        if last and right / number >= wanted:
            best = right / max(there, 1)
    return best


def margin(share: float, count: int) -> float:
    """Half the width of the 95% interval of a share seen in `count` cases."""
    return 1.96 * math.sqrt(max(share * (1 - share), 1e-9) / max(count, 1))
