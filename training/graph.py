"""A trained encoder as an ONNX graph, written node by node with the fused operators of onnxruntime.

What `torch.onnx` writes is not fused by onnxruntime for today's attention code (63 Unsqueeze, no Attention), and runs at
two thirds of the speed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MS = "com.microsoft"


class Writer:
    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.kept: list[Any] = []

    def weight(self, name: str, value: np.ndarray) -> str:
        self.kept.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], name: str, domain: str = "", **options: Any) -> str:
        self.nodes.append(
            helper.make_node(kind, inputs, [name], name=f"{name}_{kind}", domain=domain, **options)
        )
        return name


def encoder(
    state: dict[str, np.ndarray],
    *,
    layers: int,
    heads: int,
    epsilon: float,
    joined: tuple[np.ndarray, np.ndarray],
    tags: tuple[np.ndarray, np.ndarray] | None,
) -> onnx.ModelProto:
    """`state` has the names of a BERT encoder; `joined` and `tags` are (weight [classes, width], bias [classes])."""
    w = Writer()
    f = {name: value.astype(np.float32) for name, value in state.items()}
    words = w.node(
        "Gather", [w.weight("word_table", f["embeddings.word_embeddings.weight"]), "input_ids"], "words"
    )
    shape = w.node("Shape", ["input_ids"], "shape")
    first, second = (
        w.weight("first", np.array([0], dtype=np.int64)),
        w.weight("second", np.array([1], dtype=np.int64)),
    )
    length = w.node("Gather", [shape, second], "length")
    table = f["embeddings.position_embeddings.weight"][:512] + f["embeddings.token_type_embeddings.weight"][0]
    position = w.node("Slice", [w.weight("place_table", table), first, length], "positions")
    summed = w.node("Add", [words, position], "summed")
    x = w.node(
        "LayerNormalization",
        [
            summed,
            w.weight("first_gain", f["embeddings.LayerNorm.weight"]),
            w.weight("first_shift", f["embeddings.LayerNorm.bias"]),
        ],
        "x0",
        epsilon=epsilon,
        axis=-1,
    )
    mask = w.node("Cast", ["attention_mask"], "mask32", to=TensorProto.INT32)
    for layer in range(layers):
        at = f"encoder.layer.{layer}."
        qkv = [f[f"{at}attention.self.{part}.weight"].T for part in ("query", "key", "value")]
        shift = [f[f"{at}attention.self.{part}.bias"] for part in ("query", "key", "value")]
        seen = w.node(
            "Attention",
            [
                x,
                w.weight(f"qkv{layer}", np.concatenate(qkv, axis=1)),
                w.weight(f"qkv_shift{layer}", np.concatenate(shift)),
                mask,
            ],
            f"attended{layer}",
            MS,
            num_heads=heads,
        )
        out = w.node(
            "MatMul",
            [seen, w.weight(f"out{layer}", f[f"{at}attention.output.dense.weight"].T)],
            f"projected{layer}",
        )
        x = _rest(w, f, f"{at}attention.output", [out, x], f"y{layer}", epsilon)
        inner = w.node(
            "MatMul", [x, w.weight(f"inner{layer}", f[f"{at}intermediate.dense.weight"].T)], f"widened{layer}"
        )
        bent = w.node(
            "BiasGelu",
            [inner, w.weight(f"inner_shift{layer}", f[f"{at}intermediate.dense.bias"])],
            f"bent{layer}",
            MS,
        )
        out = w.node(
            "MatMul", [bent, w.weight(f"outer{layer}", f[f"{at}output.dense.weight"].T)], f"narrowed{layer}"
        )
        x = _rest(w, f, f"{at}output", [out, x], f"x{layer + 1}", epsilon)
    weights = w.node("Cast", ["attention_mask"], "mask_float", to=TensorProto.FLOAT)
    wide = w.node("Unsqueeze", [weights, w.weight("last", np.array([2], dtype=np.int64))], "mask_wide")
    kept = w.node("Mul", [x, wide], "kept")
    axis = w.weight("token_axis", np.array([1], dtype=np.int64))
    total = w.node("ReduceSum", [kept, axis], "total", keepdims=0)
    count = w.node("ReduceSum", [wide, axis], "count", keepdims=0)
    mean = w.node("Div", [total, count], "mean")
    plain = w.node("MatMul", [mean, w.weight("heads", joined[0].T.astype(np.float32))], "heads_plain")
    w.node("Add", [plain, w.weight("heads_shift", joined[1].astype(np.float32))], "logits")
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", len(joined[1])])]
    if tags is not None:
        plain = w.node("MatMul", [x, w.weight("tag_head", tags[0].T.astype(np.float32))], "tags_plain")
        w.node("Add", [plain, w.weight("tag_shift", tags[1].astype(np.float32))], "tags")
        outputs.append(
            helper.make_tensor_value_info("tags", TensorProto.FLOAT, ["texts", "tokens", len(tags[1])])
        )
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    graph = helper.make_graph(w.nodes, "kith", inputs, outputs, initializer=w.kept)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(MS, 1)], ir_version=8
    )


def _rest(w: Writer, f: dict[str, np.ndarray], at: str, inputs: list[str], name: str, epsilon: float) -> str:
    return w.node(
        "SkipLayerNormalization",
        [
            *inputs,
            w.weight(f"{name}_gain", f[f"{at}.LayerNorm.weight"]),
            w.weight(f"{name}_shift", f[f"{at}.LayerNorm.bias"]),
            w.weight(f"{name}_bias", f[f"{at}.dense.bias"]),
        ],
        name,
        MS,
        epsilon=epsilon,
    )
