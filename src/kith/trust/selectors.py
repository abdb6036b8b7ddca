"""Who is not to be contacted, who said so and why."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from kith.contacts.models import Identity
from kith.core.asking import Ask, answered
from kith.core.objects import objects_ask
from kith.policy.decide import ORDER
from kith.policy.file import default_text
from kith.policy.rules import Rule
from kith.trust.models import ContactPolicy, Suppression, Topic
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
    asked = never_contact_ask(
        Identity.objects.filter(pk__in=identity_ids).values_list("network", "external_id", "handle")
    )
    found: tuple[NeverContact, ...] = answered([asked])[0]
    return found


def never_contact_ask(identities: Iterable[tuple[str, str, str]]) -> Ask:
    """The same for (network, external id, handle) of whom a page has read already, to be asked together with others."""
    names = {
        suppression_hash(network, external): handle or external for network, external, handle in identities
    }
    standing = objects_ask(Suppression, _STANDING, {"keys": list(names)}, added_by="name")
    return standing._replace(read=lambda rows: _never(names, standing.read(rows)))


def _never(names: Mapping[str, str], standing: Sequence[Suppression]) -> tuple[NeverContact, ...]:
    found: dict[tuple[str, str, object], list[Suppression]] = {}
    for row in standing:
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


def contact_policy_text() -> str:
    """The policy that counts now, as its text."""
    newest = ContactPolicy.objects.order_by("-created_at", "-id").first()
    return newest.text if newest else default_text()


def contact_policies(limit: int = 20) -> list[ContactPolicy]:
    """The company's versions, the newest first, with who made them."""
    return list(ContactPolicy.objects.select_related("made_by").order_by("-created_at", "-id")[:limit])


def gate_rules() -> tuple[Rule, ...]:
    """The rules of the gate in the order in which they are asked."""
    return ORDER


def topics() -> list[Topic]:
    """What people may ask to hear about, in the company's order; archived ones left out."""
    return list(Topic.objects.filter(archived_at=None).order_by("position", "name", "id"))


def topic_offered(key: str) -> bool:
    return Topic.objects.filter(key=key, archived_at=None).exists()
