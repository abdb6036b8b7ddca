"""Background work of the teams' room."""

from __future__ import annotations

import uuid

from kith.core.jobs import job


@job("teams.push_send", tries=3)
def push_send(*, ids: list[str]) -> None:
    """Push notifications to the devices of their users, or at the end of their quiet hours."""
    from kith.teams.push import push_notifications

    push_notifications([uuid.UUID(i) for i in ids])


@job("teams.push_again", tries=3)
def push_again(*, notification: str, device: str, attempt: int) -> None:
    """Another try for one device whose push service was not ready."""
    from kith.teams.push import push_retry

    push_retry(uuid.UUID(notification), uuid.UUID(device), attempt=attempt)


@job("teams.push_morning", tries=3)
def push_morning(*, user: str) -> None:
    """What came in quiet hours, once they are over."""
    from kith.teams.push import push_after_quiet

    push_after_quiet(uuid.UUID(user))


@job("teams.mail_send", tries=3)
def mail_send(*, ids: list[str]) -> None:
    """One mail a user with what they have still not read."""
    from kith.teams.letters import mail_notifications

    mail_notifications([uuid.UUID(i) for i in ids])
