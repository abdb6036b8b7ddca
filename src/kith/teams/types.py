"""Who looks: what a user may see, gathered once a request."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Viewer:
    """A user with their teams and the scopes they may see. `sees_all`: no scope exists that they may not see."""

    user_id: uuid.UUID
    role: str
    team_ids: tuple[uuid.UUID, ...]
    scope_ids: tuple[uuid.UUID, ...]
    sees_all: bool = False

    @property
    def may_write(self) -> bool:
        return self.role != "viewer"

    def sees(self, scope_id: uuid.UUID | None) -> bool:
        return scope_id is None or scope_id in self.scope_ids


API_PERMISSIONS = (
    "people:read",
    "people:write",
    "conversations:read",
    "conversations:write",
    "messages:write",
    "channels:read",
    "channels:write",
    "mailings:read",
    "webhooks:read",
    "webhooks:write",
)
"""What an API token may be allowed to do, within what its user may see and do."""
