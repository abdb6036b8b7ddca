from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    from tests.support.cast import cast_make

    return cast_make()


@pytest.fixture(autouse=True)
def no_monitors_ready() -> Iterator[None]:
    """Each test's database is its own, and the matcher of this process begins with nothing."""
    from kith.listening import matching

    matching.forget()
    yield
    matching.forget()
