"""Never contact: said of an address or a person with a reason, lifted with another; the hash survives an erasure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.core import audit
from kith.core.secrets import keyed_hash, keyed_hash_each
from kith.teams.errors import NotAllowed, TeamsError
from kith.teams.models import User
from kith.trust.models import Suppression

ERASED = "erased"  # the reason that an erasure leaves
SLIP = timedelta(minutes=10)


class TrustError(TeamsError):
    """What can't be done, as a sentence; `field` names the input to blame."""


def suppression_hash(network: str, address: str) -> str:
    return keyed_hash(f"{network}\0{address.strip().lower()}", purpose="suppression")


def suppression_hashes(addresses: Iterable[tuple[str, str]]) -> list[str]:
    """The hash of each (network, address)."""
    texts = (f"{network}\0{address.strip().lower()}" for network, address in addresses)
    return keyed_hash_each(texts, purpose="suppression")


def suppression_add(
    *, network: str, address: str, channel: str = "all", reason: str = "", user: User | None = None
) -> None:
    """Never contact this address again (on one channel, or at all)."""
    _suppress(network, address, channel=channel, reason=reason, user=user)
    audit.record("suppression_added", "suppression", None, channel=channel)


def _suppress(network: str, address: str, *, channel: str, reason: str, user: User | None) -> bool:
    return Suppression.objects.get_or_create(
        key_hash=suppression_hash(network, address),
        channel=channel,
        lifted_at=None,
        defaults={"reason": reason, "added_by": user},
    )[1]


def contact_suppress(*, contact_id: uuid.UUID, reason: str, user: User) -> bool:
    """Nothing goes to this person any more, on no address that we know of; whether that is new.

    Raises NotAllowed for one who only reads, TrustError without a reason or an address.
    """
    if not user.may_write:
        raise NotAllowed(_("Only those who may write to people may do this."))
    reason = _reason(reason)
    rows = list(_addresses(contact_id))
    if not rows:
        raise TrustError(_("No address of theirs is known."))
    with transaction.atomic():
        new = [
            _suppress(network, address, channel="all", reason=reason, user=user) for network, address in rows
        ]
        if any(new):
            audit.record("suppression_added", "contact", contact_id, channel="all", reason=reason)
    return any(new)


def suppression_lift(*, contact_id: uuid.UUID, reason: str, user: User) -> int:
    """They may be written to again, on every channel and address; returns how many rows were lifted.

    The rows stay, with who lifted them and why. Raises NotAllowed (see `may_lift`), TrustError without a reason.
    """
    hashes = [suppression_hash(network, address) for network, address in _addresses(contact_id)]
    with transaction.atomic():
        rows = list(Suppression.objects.select_for_update().filter(key_hash__in=hashes, lifted_at=None))
        if not all(may_lift(user, erased=row.reason == ERASED) for row in rows):
            raise NotAllowed(_("Only a manager may lift this; after an erasure, only an administrator."))
        reason = _reason(reason)
        Suppression.objects.filter(pk__in=[row.pk for row in rows]).update(
            lifted_at=now(), lifted_by=user, lift_reason=reason
        )
        if rows:
            audit.record("suppression_lifted", "contact", contact_id, reason=reason, count=len(rows))
    return len(rows)


def suppression_take_back(*, contact_id: uuid.UUID, user: User) -> None:
    """The undo of `contact_suppress`, for whoever just did it, within ten minutes: a slip needs no manager."""
    hashes = [suppression_hash(network, address) for network, address in _addresses(contact_id)]
    with transaction.atomic():
        count = Suppression.objects.filter(
            key_hash__in=hashes, lifted_at=None, added_by=user, created_at__gt=now() - SLIP
        ).update(lifted_at=now(), lifted_by=user, lift_reason="undone")
        if count:
            audit.record("suppression_lifted", "contact", contact_id, reason="undone", count=count)


def may_lift(user: User, *, erased: bool) -> bool:
    """Managers; what an erasure left, administrators."""
    return user.administers if erased else user.manages


def _addresses(contact_id: uuid.UUID) -> Iterable[tuple[str, str]]:
    """Network and id of everything that is theirs, merged contacts included."""
    return (
        Identity.objects.filter(contact__canonical_id=contact_id)
        .exclude(kind=Identity.Kind.US)
        .values_list("network", "external_id")
    )


def _reason(text: str) -> str:
    text = " ".join(text.split())[:200]
    if not text:
        raise TrustError(_("Say why."), field="reason")
    return text
