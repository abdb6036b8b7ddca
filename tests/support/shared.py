"""Where the shared corpora lie; tests that need one that is not there are skipped, with the reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared_data(name: str) -> Path:
    """The folder of a corpus (`mail`, `security/xss`, ...): `../shared/data` or what KITH_SHARED_DATA names."""
    folder = Path(os.environ.get("KITH_SHARED_DATA") or ROOT.parent / "shared" / "data") / name
    if not folder.exists():
        pytest.skip(f"the corpus {name!r} is not on this machine (set KITH_SHARED_DATA)")
    return folder
