"""The fast tier: a bag of features, each with a small vector, and a linear head for each question."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import nn

from kith.nlp.features import Features, names, pieces, words
from training import data, scores
from training.network import HEADS as BASE

HEADS = {**BASE, "felt": 2}
WEIGHTS = {"emotion": 5, "complaint": 5, "purchase": 5, "offensive": 2}
"""How much an example of a small set counts."""


def vocabulary(texts: list[str], single: int, pair: int, piece: int, limit: int) -> dict[str, int]:
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(set(names(text)))
    parts: Counter[str] = Counter()
    for word, count in seen.items():
        if " " not in word:
            for one in set(pieces(word)):
                parts["_" + one] += count
    kept = [(name, count) for name, count in seen.items() if count >= (pair if " " in name else single)]
    kept += [(name, count) for name, count in parts.items() if count >= piece]
    kept.sort(key=lambda one: -one[1])
    return {name: number for number, (name, _) in enumerate(kept[:limit])}


class Bag(nn.Module):
    def __init__(self, size: int, width: int, heads: dict[str, int]) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(size, width, mode="sum")
        nn.init.normal_(self.vectors.weight, std=0.05)
        self.heads = nn.ModuleDict({name: nn.Linear(width, count) for name, count in heads.items()})

    def forward(
        self, flat: torch.Tensor, offsets: torch.Tensor, counts: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        mean = self.vectors(flat, offsets) / counts.clamp(min=1).sqrt().unsqueeze(1)
        return {name: head(mean) for name, head in self.heads.items()}


def joined(rows: list[list[int]], drop: float = 0.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    if drop:
        rows = [[one for one in row if random.random() > drop] for row in rows]
    counts = torch.tensor([len(row) for row in rows], dtype=torch.float32)
    offsets = torch.tensor([0, *np.cumsum([len(row) for row in rows])[:-1]], dtype=torch.long)
    flat = torch.tensor([one for row in rows for one in row], dtype=torch.long)
    return flat, offsets, counts


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--soft", type=Path)
    ask.add_argument("--width", type=int, default=64)
    ask.add_argument("--epochs", type=int, default=6)
    ask.add_argument("--rate", type=float, default=4e-3)
    ask.add_argument("--drop", type=float, default=0.25)
    ask.add_argument("--weight", type=float, default=0.5)
    ask.add_argument("--limit", type=int, default=90000)
    ask.add_argument("--seed", type=int, default=1)
    args = ask.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    examples = data.english_training()
    held = {one.text for rows in (data.complaints(), data.purchases()) for one in data.folds(rows, 6)[0]}
    examples = [one for one in examples if one.text not in held]
    for language in data.TEXT_LANGUAGES:
        if language not in ("english", "hindi"):
            examples += data.umsab(language, "train") * 2
    names_of = vocabulary([one.text for one in examples], 2, 4, 30, args.limit)
    features = Features(names_of)
    rows = [features.of(words(one.text)) for one in examples]
    print(len(examples), len(names_of), sum(map(len, rows)) / len(rows), flush=True)
    soft = None
    if args.soft:
        kept = torch.load(args.soft, weights_only=True)
        place = {text: number for number, text in enumerate(kept["texts"])}
        at = torch.tensor([place.get(one.text, -1) for one in examples])
        soft = kept["logits"]
    for one in examples:
        add_felt(one)
    model = Bag(len(names_of), args.width, HEADS)
    optimiser = torch.optim.Adam(model.parameters(), lr=args.rate)
    size, total = 256, args.epochs * (len(rows) // 256 + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: max(0.02, 1 - step / total))
    goals = {
        name: torch.tensor([one.targets.get(name, -1) if name != "feelings" else 0 for one in examples])
        for name in HEADS
    }
    for epoch in range(args.epochs):
        begun, order, mean = time.time(), list(range(len(rows))), 0.0
        random.shuffle(order)
        for start in range(0, len(order), size):
            part = order[start : start + size]
            logits = model(*joined([rows[one] for one in part], args.drop))
            places = torch.tensor(part)
            loss = torch.zeros(())
            for name in HEADS:
                if name == "feelings":
                    some = [n for n, one in enumerate(part) if "feelings" in examples[one].targets]
                    if some:
                        wanted = torch.zeros((len(some), 28))
                        for n, row in enumerate(some):
                            wanted[n, examples[part[row]].targets["feelings"]] = 1
                        loss = loss + 8 * nn.functional.binary_cross_entropy_with_logits(
                            logits[name][some], wanted
                        ) * len(some) / len(part)
                else:
                    goal = goals[name][places]
                    known = goal >= 0
                    if known.any():
                        loss = loss + nn.functional.cross_entropy(
                            logits[name][known], goal[known], reduction="sum"
                        ) / len(part) * WEIGHTS.get(name, 1) * (1 - args.weight if soft is not None else 1)
                if soft is not None and name in soft:
                    where = at[places]
                    known = where >= 0
                    if known.any():
                        theirs = soft[name][where[known]]
                        if name == "feelings":
                            loss = loss + 4 * nn.functional.binary_cross_entropy_with_logits(
                                logits[name][known], theirs.sigmoid()
                            )
                        else:
                            loss = loss + args.weight * nn.functional.kl_div(
                                (logits[name][known] / 1).log_softmax(1),
                                (theirs / 1).softmax(1),
                                reduction="batchmean",
                            )
            loss.backward()
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            mean = 0.99 * mean + 0.01 * loss.item()
        figures = report(model, features)
        print(epoch, round(mean, 4), figures, f"{time.time() - begun:.0f}s", flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save({"model": model.state_dict()}, args.out / "fast.pt")
    (args.out / "vocabulary.json").write_text(json.dumps(list(names_of), ensure_ascii=False))
    export(model, list(names_of), args.out / "weights", "kith-fast-1")
    (args.out / "figures.json").write_text(json.dumps(figures))


def add_felt(one: data.Example) -> None:
    """Whether an emotion is felt at all: what no set asks, drawn from three that do."""
    if one.source == "tweeteval-emotion":
        one.targets["felt"] = 1
    elif one.source == "goemotions":
        one.targets["felt"] = int(one.targets["feelings"] != [27])
    elif one.targets.get("sentiment") == 1:
        one.targets["felt"] = 0


def export(model: Bag, vocabulary: list[str], out: Path, name: str) -> None:
    """Writes the weights as they ship: 8 bits a number, a scale a row."""
    out.mkdir(parents=True, exist_ok=True)
    matrix = model.vectors.weight.detach().numpy()
    scale = np.abs(matrix).max(axis=1) / 127 + 1e-9
    heads, weights, bias, at = [], [], [], 0
    for head, layer in model.heads.items():
        if head in ("irony", "hate"):
            continue
        size = layer.out_features
        heads.append((head, at, at + size))
        at += size
        weights.append(layer.weight.detach().numpy().T)
        shift = layer.bias.detach().numpy().copy()
        bias.append(shift)
    np.savez_compressed(
        out / "fast.npz",
        vectors=np.round(matrix / scale[:, None]).astype(np.int8),
        scales=scale.astype(np.float16),
        vocabulary=np.frombuffer("\n".join(vocabulary).encode(), dtype=np.uint8),
        weights=np.concatenate(weights, axis=1).astype(np.float32),
        bias=np.concatenate(bias).astype(np.float32),
    )
    (out / "fast.json").write_text(
        json.dumps({"model": name, "heads": heads, "thresholds": {}, "shifts": {}, "prior": PRIOR}),
        encoding="utf-8",
    )


PRIOR = (0.156, 0.449, 0.395)


def report(model: Bag, features: Features) -> dict[str, float]:
    model.eval()
    found = {}
    with torch.no_grad():
        for task in ("sentiment", "emotion", "offensive"):
            rows = data.tweeteval(task, "val")
            logits = model(*joined([features.of(words(one.text)) for one in rows]))[task]
            truth = [one.targets[task] for one in rows]
            found[task] = scores.macro_f1(truth, logits.argmax(1).tolist())
            if task == "sentiment":
                prior = torch.tensor(PRIOR).log()
                found["even recall"] = scores.macro_recall(truth, (logits - prior).argmax(1).tolist())
        for part, rows in (
            ("complaint", data.folds(data.complaints(), 6)[0]),
            ("purchase", data.folds(data.purchases(), 6)[0]),
        ):
            logits = model(*joined([features.of(words(one.text)) for one in rows]))[part]
            truth = [one.targets[part] for one in rows]
            found[part] = scores.macro_f1(truth, logits.argmax(1).tolist())
            found[part + " r@p.8"] = scores.recall_at_precision(
                truth, (logits[:, 1] - logits[:, 0]).tolist(), 0.8
            )
        means, plain = [], []
        for language, code in data.TEXT_LANGUAGES.items():
            if code not in ("en", "hi"):
                rows = data.umsab(language, "val")
                logits = model(*joined([features.of(words(one.text)) for one in rows]))["sentiment"]
                plain.append(
                    scores.macro_f1([one.targets["sentiment"] for one in rows], logits.argmax(1).tolist())
                )
                means.append(
                    scores.macro_f1(
                        [one.targets["sentiment"] for one in rows], (logits - prior).argmax(1).tolist()
                    )
                )
        found["six languages, even"] = sum(means) / 6
        found["six languages"] = sum(plain) / 6
    model.train()
    return {name: round(100 * value, 2) for name, value in found.items()}


if __name__ == "__main__":
    main()
