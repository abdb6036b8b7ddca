"""What a trained network says of every training text, for a smaller one to learn from."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training import data
from training.network import HEADS, predict, tokenizer
from training.student import Student


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--base", required=True)
    ask.add_argument("--network", type=Path, required=True)
    ask.add_argument("--out", type=Path, required=True)
    args = ask.parse_args()
    network = Student(args.base)
    network.load_state_dict(torch.load(args.network, weights_only=True))
    coder = tokenizer(args.base)
    texts = sorted({one.text for one in (*data.english_training(), *data.care())})
    logits = predict(network, texts, coder, coder.token_to_id("[PAD]"))
    torch.save({"texts": texts, "logits": {name: logits[name] for name in HEADS}}, args.out)
    print(len(texts), "texts")


if __name__ == "__main__":
    main()
