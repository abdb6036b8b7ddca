"""Who is not to be contacted, who said so and why."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from kith.contacts.models import Identity
from kith.core.objects import objects
from kith.trust.models import Suppression
from kith.trust.services import ERASED, suppression_hash

_STANDING = "r.key_hash = ANY (%(keys)s) AND r.lifted_at IS NULL ORDER BY r.created_at DESC, r.id"


@dataclass(frozen=True, slots=True)
class NeverContact:
    """One reason why nothing goes out. `channel`: "all", or the one that it holds for; `addresses`: whose hash it is."""

    channel: str
    reason: str
    added_by: str
    at: datetime
    addresses: tuple[str, ...]
    erased: bool


def never_contact(identity_ids: tuple[uuid.UUID, ...]) -> tuple[NeverContact, ...]:
    """What keeps us from writing to the owner of these identities, the newest first; as one where reason and author agree."""
    return never_contact_of(
        Identity.objects.filter(pk__in=identity_ids).values_list("network", "external_id", "handle")
    )


def never_contact_of(identities: Iterable[tuple[str, str, str]]) -> tuple[NeverContact, ...]:
    """The same for (network, external id, handle) of whom a page has read already. One statement."""
    names = {
        suppression_hash(network, external): handle or external for network, external, handle in identities
    }
    found: dict[tuple[str, str, object], list[Suppression]] = {}
    for row in objects(Suppression, _STANDING, {"keys": list(names)}, added_by="name"):
        found.setdefault((row.channel, row.reason, row.added_by_id), []).append(row)
    return tuple(
        NeverContact(
            channel=channel,
            reason=_("their data was erased, and they asked for nothing more")
            if reason == ERASED
            else reason,
            added_by=group[0].added_by.name if group[0].added_by else "",
            at=group[0].created_at,
            addresses=tuple(names[row.key_hash] for row in group),
            erased=reason == ERASED,
        )
        for (channel, reason, author), group in found.items()
    )
