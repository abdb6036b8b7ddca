"""Addresses of people who were erased: keyed hashes by which an import or old mail can't bring them back.

What somebody writes anew after their erasure is received; what comes in behind it, from before, is not.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import ErasedAddress, Identity
from kith.contacts.types import IdentityKey
from kith.core import audit
from kith.core.secrets import keyed_hash, keyed_hashes
from kith.networks.models import ChannelAccount
from kith.teams.errors import NotAllowed, TeamsError
from kith.teams.models import User

PURPOSE = "erased address"


class ErasedError(TeamsError):
    """What can't be done, as a sentence; `field` names the input to blame."""


def _text(key: IdentityKey) -> str:
    network, realm, external_id = key
    return f"{network}\0{realm}\0{external_id.strip().lower()}"


def address_hash(key: IdentityKey) -> str:
    return keyed_hash(_text(key), purpose=PURPOSE)


def address_hashes(key: IdentityKey) -> list[str]:
    """By every key that the key file holds."""
    return keyed_hashes(_text(key), purpose=PURPOSE)


def erased_note(hashes: Iterable[str], *, at: datetime, erasure_id: uuid.UUID) -> None:
    """Keep the hashes of an erasure; one that is kept already is of the later one from now on."""
    for key_hash in hashes:
        row, made = ErasedAddress.objects.get_or_create(
            key_hash=key_hash, lifted_at=None, defaults={"erased_at": at, "erasure_id": erasure_id}
        )
        if not made and row.erased_at < at:
            ErasedAddress.objects.filter(pk=row.pk).update(erased_at=at, erasure_id=erasure_id)


def erased_among(keys: Iterable[IdentityKey]) -> dict[IdentityKey, datetime]:
    """Which of these addresses were erased, and when last. One statement; none where nobody was ever erased."""
    of_hash = {hashed: key for key in set(keys) for hashed in address_hashes(key)}
    if not of_hash:
        return {}
    rows = ErasedAddress.objects.filter(key_hash__in=list(of_hash), lifted_at=None)
    found: dict[IdentityKey, datetime] = {}
    for hashed, at in rows.values_list("key_hash", "erased_at"):
        key = of_hash[hashed]
        found[key] = max(at, found.get(key, at))
    return found


def erased_lift(*, address: str, reason: str, user: User) -> int:
    """An import may bring this address back; returns on how many networks. Only for administrators, with a reason.

    Raises NotAllowed, or ErasedError where nobody with that address was erased. Neither says who it was: the audit log
    keeps the reason and not the address.
    """
    if not user.administers:
        raise NotAllowed(_("Only administrators may do this."))
    reason = " ".join(reason.split())[:200]
    address = address.strip()
    if not reason:
        raise ErasedError(_("Say why."), field="reason")
    hashes = {hashed for key in _possible(address) for hashed in address_hashes(key)}
    with transaction.atomic():
        count = ErasedAddress.objects.filter(key_hash__in=hashes, lifted_at=None).update(
            lifted_at=now(), lifted_by=user, lift_reason=reason
        )
        if not count:
            raise ErasedError(
                _("Nobody with this address was erased, or it was allowed already."), field="address"
            )
        audit.record("erased_lifted", "contact", None, reason=reason, count=count)
    return count


def _possible(address: str) -> set[IdentityKey]:
    """The address on every network and realm that this house has seen; a telephone number without its spaces, too."""
    places = set(Identity.objects.order_by().values_list("network", "realm").distinct())
    places |= {(network, "") for network in ChannelAccount.objects.values_list("network", flat=True)}
    forms = {address, address.replace(" ", "")} - {""}
    return {(network, realm, form) for network, realm in places for form in forms}
