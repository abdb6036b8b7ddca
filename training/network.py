"""An encoder with one head for each question that is asked of a text."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModel

HEADS = {
    "sentiment": 3,
    "emotion": 4,
    "feelings": 28,
    "offensive": 2,
    "irony": 2,
    "hate": 2,
    "complaint": 2,
    "purchase": 2,
}
LENGTH = 96


class Network(nn.Module):
    def __init__(self, source: str, heads: dict[str, int] = HEADS, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(source, add_pooling_layer=False)
        width = self.encoder.config.hidden_size
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(width, size) for name, size in heads.items()})

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state

    def forward(self, ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
        states = self.states(ids, mask)
        weights = mask.unsqueeze(-1).to(states.dtype)
        mean = (states * weights).sum(1) / weights.sum(1).clamp(min=1)
        mean = self.dropout(mean)
        return {name: head(mean).float() for name, head in self.heads.items()}


@dataclass(slots=True)
class Coded:
    ids: list[int]
    targets: dict[str, Any]
    soft: dict[str, Any] | None = None


def tokenizer(source: str, length: int = LENGTH) -> Tokenizer:
    found = Tokenizer.from_file(str(Path(source) / "tokenizer.json"))
    found.no_padding()
    found.enable_truncation(length)
    return found


def batches(items: Sequence[Coded], size: int, seed: int | None) -> Iterator[list[Coded]]:
    """Batches of about equal length; in random order when a seed is given."""
    order = list(range(len(items)))
    if seed is None:
        order.sort(key=lambda place: len(items[place].ids))
        for start in range(0, len(order), size):
            yield [items[place] for place in order[start : start + size]]
        return
    chance = random.Random(seed)
    chance.shuffle(order)
    groups = []
    for start in range(0, len(order), size * 40):
        part = sorted(order[start : start + size * 40], key=lambda place: len(items[place].ids))
        groups += [part[at : at + size] for at in range(0, len(part), size)]
    chance.shuffle(groups)
    for group in groups:
        yield [items[place] for place in group]


def padded(batch: Sequence[Coded], pad: int) -> tuple[Tensor, Tensor]:
    longest = max(len(one.ids) for one in batch)
    ids = torch.full((len(batch), longest), pad)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        mask[row, : len(one.ids)] = 1
    return ids, mask


def loss_of(
    logits: dict[str, Tensor],
    batch: Sequence[Coded],
    heads: dict[str, int],
    smooth: float = 0.05,
    counts: dict[str, float] | None = None,
) -> Tensor:
    total = torch.zeros(())
    for name, size in heads.items():
        rows = [row for row, one in enumerate(batch) if name in one.targets]
        if not rows:
            continue
        if name == "feelings":
            wanted = torch.zeros((len(rows), size))
            for at, row in enumerate(rows):
                wanted[at, batch[row].targets[name]] = 1
            total = total + 8 * nn.functional.binary_cross_entropy_with_logits(
                logits[name][rows], wanted
            ) * len(rows)
        else:
            goal = torch.tensor([batch[row].targets[name] for row in rows])
            loss = nn.functional.cross_entropy(
                logits[name][rows], goal, reduction="sum", label_smoothing=smooth
            )
            total = total + loss * (counts or {}).get(name, 1.0)
    return total / len(batch)


def predict(
    network: Network, texts: Sequence[str], coder: Tokenizer, pad: int, size: int = 64
) -> dict[str, Tensor]:
    """Logits of every head for each text, in order."""
    coded = [Coded(one.ids, {"place": place}) for place, one in enumerate(coder.encode_batch(list(texts)))]
    network.eval()
    found: dict[str, Tensor] = {}
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for batch in batches(coded, size, None):
            logits = network(*padded(batch, pad))
            places = [one.targets["place"] for one in batch]
            for name, rows in logits.items():
                found.setdefault(name, torch.zeros((len(texts), rows.shape[1])))[places] = rows.float()
    network.train()
    return found
