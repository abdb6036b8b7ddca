"""Networks as they ship: ONNX graphs with 8-bit weights, all heads in one pass."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from training.fast import PRIOR
from training.graph import encoder
from training.network import Network, tokenizer
from training.student import HEADS, Student

VERSION = 1
SHIPPED = ("sentiment", "emotion", "feelings", "felt", "offensive", "complaint", "purchase", "irony")


def joined(network: Network, even: bool) -> tuple[np.ndarray, np.ndarray]:
    """The heads that ship as one matrix; `even` takes out of sentiment what is common in the English texts, so that rare classes count as much."""
    biases = [network.heads[name].bias.detach().clone() for name in SHIPPED]
    if even:
        biases[SHIPPED.index("sentiment")] -= torch.tensor(PRIOR).log()
    return torch.cat([network.heads[name].weight for name in SHIPPED]).detach().numpy(), torch.cat(
        biases
    ).numpy()


def write(network: Network, out: Path, name: str, *, even: bool) -> None:
    out.mkdir(parents=True, exist_ok=True)
    config = network.encoder.config
    tags = getattr(network, "tags", None)
    whole = encoder(
        {name: value.numpy() for name, value in network.encoder.state_dict().items()},
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        epsilon=config.layer_norm_eps,
        joined=joined(network, even),
        tags=None if tags is None else (tags.weight.detach().numpy(), tags.bias.detach().numpy()),
    )
    onnx.save(whole, out / f"{name}.float.onnx")
    quantize_dynamic(
        out / f"{name}.float.onnx",
        out / f"{name}.onnx",
        weight_type=QuantType.QInt8,
        per_channel=True,
        nodes_to_exclude=["heads_plain_MatMul", "tags_plain_MatMul", "length_Gather"],
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--base", required=True)
    ask.add_argument("--network", type=Path, required=True)
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--name", default="english")
    args = ask.parse_args()
    english = args.name == "english"
    network = Student(args.base) if english else Network(args.base, HEADS)
    network.load_state_dict(torch.load(args.network, weights_only=True))
    write(network, args.out, args.name, even=english)
    coder = tokenizer(args.base)
    coder.save(str(args.out / f"{args.name}.tokens.json"), pretty=False)
    meta = {
        "model": f"kith-{args.name}-{VERSION}",
        "heads": [(name, HEADS[name]) for name in SHIPPED],
        "tags": english,
        "pad": coder.token_to_id("[PAD]" if english else "<pad>"),
        "thresholds": {},
        "shifts": {},
    }
    (args.out / f"{args.name}.json").write_text(json.dumps(meta))
    for one in args.out.iterdir():
        print(one.name, one.stat().st_size)


if __name__ == "__main__":
    main()
