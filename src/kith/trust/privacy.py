"""What this room keeps of people."""

from __future__ import annotations

from kith.core.registry import keeps
from kith.trust.models import Consent, Decision, Situation, Touch


def register() -> None:
    keeps(
        Consent,
        "identity__contact",
        erase="delete",
        export=("purpose", "channel", "status", "proof", "given_at"),
    )
    keeps(
        Touch,
        "identity__contact",
        erase="unlink",
        fields=("identity", "contact"),
        export=("kind", "channel", "purpose", "actor", "state", "planned_for", "made_at"),
    )
    keeps(
        Decision,
        "touch__identity__contact",
        erase="blank",
        fields=("facts", "values", "sentence", "override_reason"),
        export=("outcome", "rule", "sentence", "until", "created_at"),
    )
    keeps(
        Situation,
        "identity__contact",
        erase="delete",
        export=("last_inbound_at", "open_complaint", "last_automatic_reply_at"),
    )
