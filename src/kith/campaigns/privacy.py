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
    """Picked people stand by their id in a list; a list by a search that names the person becomes an empty one, for without
    the search it would be everybody."""
    gone, named = {str(key) for key in ids}, [word.casefold() for word in words if word]
    for mailing in Mailing.objects.filter(people__has_key="ids"):
        kept = [key for key in mailing.people["ids"] if key not in gone]
        if len(kept) != len(mailing.people["ids"]):
            _kept(mailing, kept)
    for mailing in Mailing.objects.filter(people__view__has_key="search"):
        search = str(mailing.people["view"]["search"]).casefold()
        if any(word in search for word in named):
            _kept(mailing, [])


def _kept(mailing: Mailing, ids: list[str]) -> None:
    mailing.people = {"ids": ids}
    mailing.save(update_fields=["people"])
