"""Sessions: listed and ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import models, transaction

from kith.core import audit
from kith.teams.models import PushSubscription, User


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One browser that is signed in."""

    id: int
    started_at: datetime
    address: str
    browser: str
    current: bool


def sessions_of(user: User, *, current_key: str = "") -> list[OpenSession]:
    """Open sessions, newest first; those that ended by themselves are forgotten on the way."""
    rows: list[UserSession] = UserSession.objects.purge_and_list(user)
    return [
        OpenSession(row.pk, row.created_at, row.ip, row.user_agent, row.session_key == current_key)
        for row in sorted(rows, key=lambda row: row.created_at, reverse=True)
    ]


@transaction.atomic
def session_end(*, user: User, session_id: int) -> bool:
    """End one session of this user; False when there is none of this number."""
    return _end(user, session_id=session_id) > 0


@transaction.atomic
def sessions_end(*, user: User, keep_key: str = "") -> int:
    """End all sessions of a user, but that of `keep_key`; returns how many."""
    return _end(user, keep_key=keep_key)


def _end(user: User, *, session_id: int | None = None, keep_key: str = "") -> int:
    rows = UserSession.objects.filter(user=user).exclude(session_key=keep_key)
    if session_id is not None:
        rows = rows.filter(pk=session_id)
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    rows.delete()
    PushSubscription.objects.filter(user=user).filter(
        models.Q(session_key__in=keys) if session_id is not None else ~models.Q(session_key=keep_key or "-")
    ).delete()
    if keys:
        audit.record("sessions_ended", "user", user.id, count=len(keys))
    return len(keys)
