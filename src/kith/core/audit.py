"""The audit log: `record(...)` in the same transaction as what it tells of."""

from __future__ import annotations

import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from kith.core import rows
from kith.core.models import AuditEvent


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user, or the system (no id) under a name."""

    id: uuid.UUID | None = None
    name: str = "Kith"
    address: str | None = None


SYSTEM = Actor()
_current: ContextVar[Actor] = ContextVar("kith_actor", default=SYSTEM)


def current() -> Actor:
    return _current.get()


def act_as(actor: Actor) -> None:
    """Set who acts in this request or job."""
    _current.set(actor)


def record(
    action: str,
    subject_kind: str,
    subject_id: uuid.UUID | None,
    *,
    actor: Actor | None = None,
    **details: Any,
) -> None:
    rows.insert([event(action, subject_kind, subject_id, actor=actor, **details)])


def event(
    action: str,
    subject_kind: str,
    subject_id: uuid.UUID | None,
    *,
    actor: Actor | None = None,
    **details: Any,
) -> AuditEvent:
    """What `record` stores, for who stores it together with what it tells of."""
    who = actor or current()
    return AuditEvent(
        actor_id=who.id,
        actor_name=who.name,
        address=who.address,
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        details=details,
    )


def record_many(told: list[tuple[str, str, uuid.UUID | None, dict[str, Any]]]) -> None:
    """Many at once: (action, subject kind, subject id, details)."""
    who = current()
    AuditEvent.objects.bulk_create(
        AuditEvent(
            actor_id=who.id,
            actor_name=who.name,
            address=who.address,
            action=action,
            subject_kind=kind,
            subject_id=subject,
            details=details,
        )
        for action, kind, subject, details in told
    )
