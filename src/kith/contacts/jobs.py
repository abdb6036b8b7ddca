"""Jobs of this room."""

from __future__ import annotations

from datetime import timedelta

from kith.base.clock import now
from kith.contacts.services.facts import facts_expired
from kith.core.jobs import job


@job("contacts.expire_facts", every="23 * * * *")
def expire_facts() -> None:
    """What people are called and where they live follows facts whose time is over; twice, so that a missed hour costs nothing."""
    facts_expired(now() - timedelta(days=2))
