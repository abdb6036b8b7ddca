"""Python's search for cycles, put off while very many short-lived rows are made that have none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_later() -> Iterator[None]:
    """Without that search inside the block: over a hundred thousand rows it takes as long as all other work. Whoever switched
    it off switches it on again, so that threads may overlap."""
    mine = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if mine:
            gc.enable()
