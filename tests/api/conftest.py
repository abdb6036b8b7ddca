from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def api_for(db: None) -> Callable[..., Any]:
    from kith.teams.models import User
    from kith.teams.services import api_token_create
    from kith.teams.types import API_PERMISSIONS
    from tests.api.support import Api

    def make(
        user: User | None = None, permissions: tuple[str, ...] = API_PERMISSIONS, role: str = "agent"
    ) -> Api:
        if user is None:
            number = User.objects.count()
            user = User.objects.create_user(f"u{number}@us.example", name=f"User {number}", role=role)
        _, raw = api_token_create(user=user, name="test", permissions=permissions)
        return Api(raw, user)

    return make


@pytest.fixture
def api(api_for: Callable[..., Any]) -> Any:
    return api_for()
