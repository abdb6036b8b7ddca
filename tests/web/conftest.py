"""What the tests of screens share: Chromium, the demo company as its owner sees it, and the small company with names.

Models are imported when a fixture is asked for: pytest reads this file before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kith.teams.models import User
    from tests.support.cast import Cast
    from tests.support.rows import Rows

BUILT: list[Rows] = []  # the demo, once a process


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from tests.support.browser import browser

    with browser() as running:
        yield running


@pytest.fixture
def mara(live_server: Any) -> User:
    """The demo's first owner, with rows that the server under the browser sees."""
    from kith.teams.models import User
    from kith.workspace import demo
    from tests.support.rows import rows_keep, rows_put

    if not BUILT:
        demo.build(lambda text: None)
        BUILT.append(rows_keep())
    else:
        rows_put(BUILT[0])
    return User.objects.filter(role="owner").earliest("created_at")


@pytest.fixture
def cast(db: object) -> Cast:
    from tests.support.cast import cast_make

    return cast_make()
