"""People for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
PASSWORD = "a long pass phrase"


@pytest.fixture
def make(db: None) -> Make:
    """Makes a user by name and role; the address is the name at us.example, the password PASSWORD."""
    from kith.teams.services import user_create

    def build(name: str, role: str = "agent", **rest: Any) -> Any:
        return user_create(
            email=f"{name.lower()}@us.example", name=name, role=role, password=PASSWORD, **rest
        )

    return build


@pytest.fixture
def owner(make: Make) -> Any:
    return make("Olga", "owner")


@pytest.fixture
def admin(make: Make, owner: Any) -> Any:
    return make("Adam", "admin")
