"""The teacher: a base-size encoder, fine-tuned on every English set at once; too slow to ship, good to learn from."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from pathlib import Path

import torch

from training import data, scores
from training.network import HEADS, Coded, Network, batches, loss_of, padded, predict, tokenizer

REPEATS = {"tweeteval-emotion": 2, "complaints": 2, "purchase-intent": 2}


def chosen(limits: dict[str, int], seed: int, held: set[str]) -> list[data.Example]:
    found: list[data.Example] = []
    by_source: dict[str, list[data.Example]] = {}
    for one in data.english_training():
        if one.text not in held:
            by_source.setdefault(one.source, []).append(one)
    for source, rows in by_source.items():
        random.Random(seed).shuffle(rows)
        found += rows[: limits.get(source, len(rows))] * REPEATS.get(source, 1)
    return found


def report(network: Network, coder, pad: int) -> dict[str, float]:
    found = {}
    for task in ("sentiment", "emotion", "offensive", "irony"):
        rows = data.tweeteval(task, "val")
        logits = predict(network, [one.text for one in rows], coder, pad)[task]
        truth = [one.targets[task] for one in rows]
        found[f"{task} F1"] = scores.macro_f1(truth, logits.argmax(1).tolist())
        if task == "sentiment":
            prior = torch.tensor([0.156, 0.449, 0.395]).log()
            found["sentiment recall"] = scores.macro_recall(truth, logits.argmax(1).tolist())
            found["sentiment recall, even"] = scores.macro_recall(truth, (logits - prior).argmax(1).tolist())
    return {name: round(100 * value, 2) for name, value in found.items()}


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--base", required=True)
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--epochs", type=float, default=1)
    ask.add_argument("--rate", type=float, default=3e-5)
    ask.add_argument("--size", type=int, default=32)
    ask.add_argument("--goemotions", type=int, default=12000)
    ask.add_argument("--hate", type=int, default=3000)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--soft", type=Path)
    args = ask.parse_args()
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    coder = tokenizer(args.base)
    pad = coder.token_to_id("<pad>") if coder.token_to_id("<pad>") is not None else coder.token_to_id("[PAD]")
    held = {
        one.text
        for part in ("complaint", "purchase")
        for one in data.folds(data.complaints() if part == "complaint" else data.purchases(), 6)[0]
    }
    examples = chosen({"goemotions": args.goemotions, "tweeteval-hate": args.hate}, args.seed, held)
    print(Counter(one.source for one in examples), flush=True)
    coded = [
        Coded(one_ids.ids, one.targets)
        for one, one_ids in zip(examples, coder.encode_batch([one.text for one in examples]), strict=True)
    ]
    print("mean tokens", sum(len(one.ids) for one in coded) / len(coded), "unlike pad", pad, flush=True)
    network = Network(args.base)
    head = [p for n, p in network.named_parameters() if n.startswith("heads")]
    body = [p for n, p in network.named_parameters() if not n.startswith("heads")]
    optimiser = torch.optim.AdamW(
        [{"params": body, "lr": args.rate}, {"params": head, "lr": args.rate * 20}],
        weight_decay=0.01,
        fused=True,
    )
    steps = int(args.epochs * (len(coded) // args.size + 1))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (0.06 * steps), max(0.0, (steps - step) / (0.94 * steps)))
    )
    network.train()
    place, step, begun, mean, kept = args.out / "state.pt", 0, time.time(), 0.0, 0
    if place.exists():
        state = torch.load(place, weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        kept = state["step"]
    epoch = 0
    while step < steps:
        epoch += 1
        for batch in batches(coded, args.size, args.seed * 100 + epoch):
            if step >= steps:
                break
            step += 1
            if step <= kept:
                continue
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = network(*padded(batch, pad))
            loss = loss_of(logits, batch, HEADS)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad(set_to_none=True)
            mean = 0.98 * mean + 0.02 * loss.item()
            if step % 100 == 0:
                print(
                    f"{step}/{steps} loss {mean:.4f} {(step - kept) * args.size / (time.time() - begun):.0f}/s",
                    flush=True,
                )
            if step % 600 == 0:
                torch.save(
                    {
                        "network": network.state_dict(),
                        "optimiser": optimiser.state_dict(),
                        "schedule": schedule.state_dict(),
                        "step": step,
                    },
                    place,
                )
                print(step, report(network, coder, pad), flush=True)
    figures = report(network, coder, pad)
    for part, rows in (
        ("complaint", data.folds(data.complaints(), 6)[0]),
        ("purchase", data.folds(data.purchases(), 6)[0]),
    ):
        logits = predict(network, [one.text for one in rows], coder, pad)[part]
        truth = [one.targets[part] for one in rows]
        figures[part + " F1"] = round(100 * scores.macro_f1(truth, logits.argmax(1).tolist()), 2)
        figures[part + " r@p.8"] = round(
            scores.recall_at_precision(truth, (logits[:, 1] - logits[:, 0]).tolist(), 0.8), 3
        )
    print(figures, flush=True)
    (args.out / "figures.json").write_text(json.dumps(figures))
    torch.save(network.state_dict(), args.out / "network.pt")


if __name__ == "__main__":
    main()
