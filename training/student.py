"""The best tier's English model: a small encoder with every head, and one that marks what is spoken of."""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from training import data, scores
from training.fast import PRIOR, add_felt
from training.loop import fit
from training.network import HEADS as BASE
from training.network import Coded, Network, batches, loss_of, padded, tokenizer

HEADS = {**BASE, "felt": 2}
SHARE = {
    "tweeteval-emotion": 2.5,
    "complaints": 2.5,
    "purchase-intent": 2.5,
    "tweeteval-hate": 0.3,
    "goemotions": 0.4,
}
"""How often an epoch sees an example of a set."""
COUNTS = {"emotion": 1.5, "complaint": 1.5, "purchase": 1.5}


class Student(Network):
    def __init__(self, source: str) -> None:
        super().__init__(source, HEADS)
        self.tags = nn.Linear(self.encoder.config.hidden_size, 4)

    def tagged(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.tags(self.dropout(self.states(ids, mask))).float()


def marked(coder: Tokenizer) -> list[Coded]:
    """Sentences with a class for each token: 0 for none, else 1 + class of sentiment; -100 for what is not counted."""
    found = []
    rows = data.aspects()
    for one, code in zip(rows, coder.encode_batch([one.text for one in rows]), strict=True):
        tags = []
        for (start, end), special in zip(code.offsets, code.special_tokens_mask, strict=True):
            hit = [
                label for first, last, label in one.terms if start >= first and end <= last and end > start
            ]
            tags.append(-100 if special else 1 + hit[0] if hit else 0)
        found.append(Coded(code.ids, {"tags": tags}))
    return found


def tag_loss(network: Student, batch: list[Coded], pad: int) -> torch.Tensor:
    ids, mask = padded(batch, pad)
    wanted = torch.full(ids.shape, -100)
    for row, one in enumerate(batch):
        wanted[row, : len(one.ids)] = torch.tensor(one.targets["tags"])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network.tagged(ids, mask)
    return nn.functional.cross_entropy(
        logits.reshape(-1, 4), wanted.reshape(-1), weight=torch.tensor([0.6, 1.2, 1.2, 1.0])
    )


def tag_figures(network: Student, rows: list[Coded], pad: int) -> dict[str, float]:
    """Tokens in a term found, and of those the right sentiment."""
    network.eval()
    there = named = both = right = 0
    with torch.no_grad():
        for batch in batches(rows, 64, None):
            said = network.tagged(*padded(batch, pad)).argmax(-1)
            for row, one in enumerate(batch):
                for tag, guess in zip(one.targets["tags"], said[row].tolist(), strict=False):
                    if tag == -100:
                        continue
                    there += tag > 0
                    named += guess > 0
                    both += tag > 0 and guess > 0
                    right += tag > 0 and guess == tag
    network.train()
    return {"aspect tokens F1": 2 * both / max(there + named, 1), "aspect sentiment": right / max(both, 1)}


def soft_loss(logits: dict[str, torch.Tensor], batch: list[Coded], heat: float = 2.0) -> torch.Tensor:
    total = torch.zeros(())
    rows = [row for row, one in enumerate(batch) if one.soft is not None]
    if not rows:
        return total
    for name in BASE:
        theirs = torch.stack([batch[row].soft[name] for row in rows])
        ours = logits[name][rows]
        if name == "feelings":
            total = total + 4 * nn.functional.binary_cross_entropy_with_logits(ours, theirs.sigmoid())
        else:
            total = total + heat * heat * nn.functional.kl_div(
                (ours / heat).log_softmax(1), (theirs / heat).softmax(1), reduction="batchmean"
            ) * SOFT.get(name, 0.3)
    return total * len(rows) / len(batch)


SOFT = {"sentiment": 1.0, "emotion": 0.6, "offensive": 0.6, "complaint": 0.6, "purchase": 0.6}


def judged(network: Network, coder: Tokenizer, pad: int) -> dict[str, float]:
    from training.network import predict

    found = {}
    for task in ("sentiment", "emotion", "offensive"):
        rows = data.tweeteval(task, "val")
        logits = predict(network, [one.text for one in rows], coder, pad)[task]
        truth = [one.targets[task] for one in rows]
        found[f"{task} F1"] = scores.macro_f1(truth, logits.argmax(1).tolist())
        if task == "sentiment":
            even = logits - torch.tensor(PRIOR).log()
            found["sentiment recall"] = scores.macro_recall(truth, logits.argmax(1).tolist())
            found["sentiment recall, even"] = scores.macro_recall(truth, even.argmax(1).tolist())
    for part, rows in (
        ("complaint", data.folds(data.complaints(), 6)[0]),
        ("purchase", data.folds(data.purchases(), 6)[0]),
    ):
        logits = predict(network, [one.text for one in rows], coder, pad)[part]
        truth = [one.targets[part] for one in rows]
        found[part + " F1"] = scores.macro_f1(truth, logits.argmax(1).tolist())
        found[part + " r@p.8"] = scores.recall_at_precision(
            truth, (logits[:, 1] - logits[:, 0]).tolist(), 0.8
        )
    return {name: round(100 * value, 2) for name, value in found.items()}


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--base", required=True)
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--epochs", type=float, default=1.3)
    ask.add_argument("--rate", type=float, default=8e-5)
    ask.add_argument("--size", type=int, default=48)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--soft", type=Path)
    ask.add_argument("--gold", type=float, default=1.0)
    ask.add_argument("--whole", action="store_true", help="train on what was held back for figures, too")
    args = ask.parse_args()
    torch.manual_seed(args.seed)
    chance = random.Random(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    coder = tokenizer(args.base)
    pad = coder.token_to_id("[PAD]")
    held = (
        set()
        if args.whole
        else {one.text for rows in (data.complaints(), data.purchases()) for one in data.folds(rows, 6)[0]}
    )
    examples = [one for one in data.english_training() if one.text not in held]
    for one in examples:
        add_felt(one)
    by_source: dict[str, list[Coded]] = {}
    soft = torch.load(args.soft, weights_only=True) if args.soft else None
    place = {text: number for number, text in enumerate(soft["texts"])} if soft else {}
    for one, code in zip(examples, coder.encode_batch([one.text for one in examples]), strict=True):
        at = place.get(one.text)
        theirs = (
            {name: value[at] for name, value in soft["logits"].items()} if soft and at is not None else None
        )
        by_source.setdefault(one.source, []).append(Coded(code.ids, one.targets, theirs))
    sentences = marked(coder)
    chance.shuffle(sentences)
    kept_back = [] if args.whole else sentences[:350]
    sentences = sentences[len(kept_back) :]

    def epoch_of(seed: int) -> list[Coded]:
        drawn = random.Random(seed)
        found: list[Coded] = []
        for source, rows in by_source.items():
            share = SHARE.get(source, 1.0)
            found += rows * int(share) + drawn.sample(rows, int(len(rows) * (share - int(share))))
        return found

    network = Student(args.base)
    tag_batches: list[list[Coded]] = []

    def loss(batch: list[Coded], step: int) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(*padded(batch, pad))
        value = args.gold * loss_of(logits, batch, HEADS, counts=COUNTS)
        if soft:
            value = value + soft_loss(logits, batch)
        if step % 7 == 0:
            if not tag_batches:
                tag_batches.extend(batches(sentences, 32, step))
            value = value + tag_loss(network, tag_batches.pop(), pad)
        return value

    print(Counter({source: len(rows) for source, rows in by_source.items()}), flush=True)
    fit(
        network,
        epoch_of,
        loss,
        out=args.out,
        epochs=args.epochs,
        rate=args.rate,
        size=args.size,
        seed=args.seed,
        report=lambda: judged(network, coder, pad),
    )
    figures: dict[str, float] = judged(network, coder, pad)
    if kept_back:
        figures |= {
            name: round(100 * value, 2) for name, value in tag_figures(network, kept_back, pad).items()
        }
    print(figures, flush=True)
    (args.out / "figures.json").write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
