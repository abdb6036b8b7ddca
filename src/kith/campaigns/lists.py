"""Who is on a mailing's list: said by the room above that knows the list of people."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from kith.campaigns.models import Mailing

Resolve = Callable[[Mailing], list[uuid.UUID]]
_resolve: list[Resolve] = []


def lists_come_from(resolve: Resolve) -> None:
    """Register how a list becomes the ids of (canonical) contacts, in the order of their ids."""
    _resolve[:] = [resolve]


def people_of(mailing: Mailing) -> list[uuid.UUID]:
    return _resolve[0](mailing)
