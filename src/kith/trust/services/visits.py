"""Visits of customers at their own page: an address is proven by a code that was mailed to it, once, within ten minutes.

Neither codes nor keys are kept, only keyed hashes of them. Who may see what in a visit follows from the identities that
were proven in it, and from nothing else.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.core.secrets import keyed_hash
from kith.trust.models import Visit, VisitCode, VisitIdentity

CODE_LASTS = timedelta(minutes=10)
VISIT_LASTS = timedelta(minutes=30)
TRIES = 5
DIGITS = 8


@dataclass(frozen=True, slots=True)
class OpenVisit:
    id: uuid.UUID
    expires_at: datetime
    identity_ids: tuple[uuid.UUID, ...]


def key_make() -> str:
    """What a browser carries."""
    return secrets.token_urlsafe(32)


def _hash(key: str) -> str:
    return keyed_hash(key, purpose="visit")


def _code_hash(key: str, code: str) -> str:
    return keyed_hash(f"{key}\0{code}", purpose="visit-code")


def code_make(*, identity_id: uuid.UUID, key: str) -> str:
    """A new code for who carries `key`; those that were sent to the address before hold no longer."""
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    moment = now()
    with transaction.atomic():
        VisitCode.objects.filter(identity_id=identity_id, used_at=None).update(used_at=moment)
        VisitCode.objects.update_or_create(
            key_hash=_hash(key),
            defaults={
                "identity_id": identity_id,
                "code_hash": _code_hash(key, code),
                "tries": 0,
                "expires_at": moment + CODE_LASTS,
                "used_at": None,
            },
        )
    return code


def code_try(*, key: str, code: str, visit_key: str = "") -> str | None:
    """The key of the visit that a right code opens (or joins, when `visit_key` is one that lasts); None for any other.

    A wrong one counts; after five, and after its first use, the right one is wrong too.
    """
    with transaction.atomic():
        row = VisitCode.objects.select_for_update().filter(key_hash=_hash(key)).first()
        given = _code_hash(key, "".join(code.split()))
        if row is None or row.used_at is not None or row.tries >= TRIES or row.expires_at <= now():
            return None
        if not hmac.compare_digest(row.code_hash, given):
            row.tries += 1
            row.save(update_fields=["tries"])
            return None
        row.used_at = now()
        row.save(update_fields=["used_at"])
        return _proven(row.identity_id, visit_key)


def _proven(identity_id: uuid.UUID, visit_key: str) -> str:
    visit = Visit.objects.filter(key_hash=_hash(visit_key), expires_at__gt=now()).first()
    old = visit
    visit_key = key_make()  # a new one whenever it opens more
    if old is None:
        visit = Visit.objects.create(key_hash=_hash(visit_key), expires_at=now() + VISIT_LASTS)
    else:
        Visit.objects.filter(pk=old.pk).update(key_hash=_hash(visit_key))
        visit = old
    VisitIdentity.objects.get_or_create(visit=visit, identity_id=identity_id)
    return visit_key


def visit_open(key: str) -> OpenVisit | None:
    """The visit of a key, while it lasts and covers anybody."""
    if not key:
        return None
    visit = Visit.objects.filter(key_hash=_hash(key), expires_at__gt=now()).first()
    if visit is None:
        return None
    ids = tuple(
        visit.proven.exclude(identity__kind=Identity.Kind.US)
        .order_by("created_at", "id")
        .values_list("identity_id", flat=True)
    )
    return OpenVisit(visit.pk, visit.expires_at, ids) if ids else None


def visit_end(key: str) -> None:
    Visit.objects.filter(key_hash=_hash(key)).delete()


def visits_sweep() -> int:
    """What is over goes; returns how many rows."""
    gone = Visit.objects.filter(expires_at__lte=now()).delete()[0]
    return gone + VisitCode.objects.filter(expires_at__lte=now() - VISIT_LASTS).delete()[0]
