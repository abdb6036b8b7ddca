"""What this room keeps of people."""

from __future__ import annotations

from kith.core.registry import keeps
from kith.trust.models import (
    Consent,
    Decision,
    Invitation,
    Objection,
    Preference,
    Situation,
    Touch,
    VisitCode,
    VisitIdentity,
)


def register() -> None:
    keeps(
        Consent,
        "identity__contact",
        erase="delete",
        export=("purpose", "channel", "status", "proof", "given_at"),
    )
    keeps(Objection, "identity__contact", erase="delete", export=("purpose", "proof", "made_at", "ended_at"))
    keeps(Preference, "identity__contact", erase="delete", export=("per_month", "paused_until", "changed_at"))
    keeps(Invitation, "identity__contact", erase="delete", export=("quote", "created_at", "ends_at"))
    keeps(
        Touch,
        "identity__contact",
        erase="unlink",
        fields=("identity", "contact", "title", "name_used", "based_on"),
        export=("kind", "channel", "purpose", "actor", "title", "state", "planned_for", "made_at"),
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
        export=("last_inbound_at", "wrote_on", "open_case", "customer_since"),
    )
    for model in (VisitCode, VisitIdentity):
        keeps(
            model,
            "identity__contact",
            erase="delete",
            why="a secret of half an hour at most, by which a visitor is known",
        )
