"""What this room keeps of people."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from kith.campaigns.models import Mailing, Recipient
from kith.core.registry import keeps, on_erased


def register() -> None:
    keeps(Recipient, "contact", erase="delete", export=("outcome", "rule", "asked_at"))
    on_erased(_lists)


def _lists(ids: Sequence[uuid.UUID], words: Sequence[str]) -> None:
    """Picked people stand by their id in a draft's list."""
    gone = {str(key) for key in ids}
    for mailing in Mailing.objects.filter(people__has_key="ids"):
        kept = [key for key in mailing.people["ids"] if key not in gone]
        if len(kept) != len(mailing.people["ids"]):
            mailing.people = {**mailing.people, "ids": kept}
            mailing.save(update_fields=["people"])
