"""Which language a short text is in."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import fasttext

WEIGHTS: Final = Path(__file__).parent / "weights"
UNSURE: Final = 0.22
"""Below this the text does not say."""

_NOT_SAID = re.compile(r"@user|http|#|\brt\b|[\d_]+")
_NEAR: Final = {
    "arz": "ar",
    "als": "de",
    "bar": "de",
    "nds": "de",
    "pms": "it",
    "scn": "it",
    "vec": "it",
    "lmo": "it",
    "nap": "it",
    "ast": "es",
    "an": "es",
    "gl": "pt",
    "oc": "fr",
    "wa": "fr",
    "azb": "ar",
    "ckb": "ku",
    "simple": "en",
    "sh": "sr",
}


@cache
def _model() -> Any:
    return fasttext.load_model(str(WEIGHTS / "lid.176.ftz"))


def language(text: str) -> tuple[str, float]:
    """(ISO 639-1 code or "und", how sure: 0 to 1) of a cleaned text."""
    said = " ".join(_NOT_SAID.sub(" ", text.lower()).split())
    if sum(one.isalpha() for one in said[:40]) < 2:
        return "und", 0.0
    names, shares = _model().predict(said, k=1)
    code, share = names[0].removeprefix("__label__"), min(float(shares[0]), 1.0)
    code = _NEAR.get(code, code)
    return (code, share) if share >= UNSURE else ("und", share)
