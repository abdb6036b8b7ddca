"""Fitting a network to batches, in a way that can be cut off and goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from training.network import Coded, Network, batches

SAVED = 500
"""Steps between two states that are kept."""


def fit(
    network: Network,
    epoch: Callable[[int], list[Coded]],
    loss: Callable[[list[Coded], int], Tensor],
    *,
    out: Path,
    epochs: float,
    rate: float,
    size: int,
    seed: int,
    report: Callable[[], object] | None = None,
) -> None:
    """Fits `network`, whose state is kept in `out` every `SAVED` steps and taken up from there.

    `epoch` gives the texts of an epoch by its number, `loss` that of a batch by the number of the step. The rate climbs for
    6% of the steps and falls to nothing in the rest; heads learn ten times as fast as the encoder.
    """
    out.mkdir(parents=True, exist_ok=True)
    body = [weights for name, weights in network.named_parameters() if name.startswith("encoder")]
    heads = [weights for name, weights in network.named_parameters() if not name.startswith("encoder")]
    optimiser = torch.optim.AdamW(
        [{"params": body, "lr": rate}, {"params": heads, "lr": rate * 10}], weight_decay=0.01, fused=True
    )
    steps = int(epochs * (len(epoch(0)) // size + 1))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (0.06 * steps), max(0.0, (steps - step) / (0.94 * steps)))
    )
    kept_at, kept = out / "state.pt", 0
    if kept_at.exists():
        state = torch.load(kept_at, weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        kept = state["step"]
        print("goes on at step", kept, flush=True)
    network.train()
    step = number = 0
    begun, mean = time.time(), 0.0
    while step < steps:
        number += 1
        for batch in batches(epoch(seed * 1000 + number), size, seed * 100 + number):
            if step >= steps:
                break
            step += 1
            if step <= kept:
                continue
            value = loss(batch, step)
            value.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad(set_to_none=True)
            mean = value.item() if not mean else 0.98 * mean + 0.02 * value.item()
            if step % 100 == 0:
                print(
                    f"{step}/{steps} loss {mean:.4f} {(step - kept) * size / (time.time() - begun):.0f}/s",
                    flush=True,
                )
            if step % SAVED == 0:
                torch.save(
                    {
                        "network": network.state_dict(),
                        "optimiser": optimiser.state_dict(),
                        "schedule": schedule.state_dict(),
                        "step": step,
                    },
                    kept_at,
                )
                if report:
                    print(step, report(), flush=True)
    torch.save(network.state_dict(), out / "network.pt")
    kept_at.unlink(missing_ok=True)
