from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    from tests.support.cast import cast_make

    return cast_make()
