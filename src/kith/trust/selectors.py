"""Who is not to be contacted, who said so and why."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from kith.contacts.models import Identity
from kith.trust.models import Suppression
from kith.trust.services import ERASED, suppression_hash


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
    names = {
        suppression_hash(network, external): handle or external
        for network, external, handle in Identity.objects.filter(pk__in=identity_ids).values_list(
            "network", "external_id", "handle"
        )
    }
    found: dict[tuple[str, str, object], list[Suppression]] = {}
    rows = Suppression.objects.filter(key_hash__in=names, lifted_at=None).select_related("added_by")
    for row in rows.order_by("-created_at", "id"):
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
