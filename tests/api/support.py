"""Calls the API as a token."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client

from kith.teams.models import User


@dataclass
class Api:
    """Calls the API as one token; answers are (status, JSON, response)."""

    raw: str
    user: User

    def __call__(
        self, method: str, path: str, body: Any = None, *, status: int | None = None, **headers: str
    ) -> Any:
        response: HttpResponse = Client().generic(  # type: ignore[assignment]
            method,
            f"/api/v1{path}",
            json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.raw}", **headers},
        )
        if status is not None:
            assert response.status_code == status, response.content.decode()[:2000]
            return json.loads(response.content) if response.content else None
        return response
