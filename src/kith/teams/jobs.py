"""Background work of the teams' room."""

from __future__ import annotations

import uuid

from kith.core.jobs import job


@job("teams.push_send", tries=3)
def push_send(*, ids: list[str]) -> None:
    """Push notifications to the devices of their users."""
    from kith.teams.push import push_notifications

    push_notifications([uuid.UUID(i) for i in ids])
