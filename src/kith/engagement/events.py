"""What engagement hears: new messages, for the rules of assignment."""

from __future__ import annotations

from kith.core import events
from kith.engagement.services.assignment import assignment_rules_apply


def register() -> None:
    """Called when Django is ready."""
    events.subscribe("engagement.assign", ["message_recorded"], assignment_rules_apply)
