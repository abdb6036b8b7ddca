from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_monitors_ready() -> Iterator[None]:
    """Each test's database is its own, and the matcher of this process begins with nothing."""
    from kith.listening import matching

    matching.forget()
    yield
    matching.forget()
