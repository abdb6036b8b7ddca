"""What this room keeps of people."""

from __future__ import annotations

from kith.core.registry import keeps
from kith.workspace.models import LegalHold


def register() -> None:
    # A person under hold is not erased; holds that were lifted go with them, and the audit log tells of both.
    keeps(LegalHold, "contact", erase="delete", export=("created_at", "lifted_at"))
