"""Signed links for mails: they hold no personal data, and open nothing but unsubscribing, topics and pauses.

A link names an identity by its id and is signed with a key of this installation. It has no end, since who finds an old mail
must be able to unsubscribe by it. `links_revoke` makes all links that were ever sent invalid, `links_revoke_of` one person's.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import uuid

from django.db import transaction
from django.utils.translation import gettext as _

from kith.contacts.models import Identity
from kith.core import audit, company
from kith.core.secrets import keyed_hash
from kith.teams.errors import NotAllowed
from kith.teams.models import User

_KEY = "link_version"
_BYTES = 16  # of the signature
LENGTH = 43


def link_token(identity_id: uuid.UUID, *, scope: str = "wishes") -> str:
    """43 characters of the URL alphabet; the same for one identity as long as the version stands."""
    return base64.urlsafe_b64encode(identity_id.bytes + _mac(identity_id, scope)).decode().rstrip("=")


def _mac(identity_id: uuid.UUID, scope: str) -> bytes:
    version = _version(identity_id)
    return bytes.fromhex(keyed_hash(f"{scope}\0{version}\0{identity_id.hex}", purpose="link"))[:_BYTES]


def _own(identity_id: uuid.UUID) -> str:
    return f"{_KEY}:{identity_id.hex}"


def _version(identity_id: uuid.UUID) -> str:
    """That of all links, and after a dot that of one identity, where its links were revoked."""
    found = company.values((_KEY, _own(identity_id)))
    own = found.get(_own(identity_id))
    return f"{int(found.get(_KEY, 1))}{f'.{int(own)}' if own else ''}"


def link_identity(token: str, *, scope: str = "wishes") -> Identity | None:
    """Whose link it is; None for a forged, cut, revoked or erased one."""
    if len(token) != LENGTH:
        return None
    try:
        raw = base64.b64decode(token + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    key = uuid.UUID(bytes=raw[:16])
    if link_token(key, scope=scope) != token or not hmac.compare_digest(raw[16:], _mac(key, scope)):
        return None
    return Identity.objects.filter(pk=key).exclude(kind=Identity.Kind.US).first()


def links_revoke() -> None:
    """Every link in every mail that was sent stops working; those of mails to come are new."""
    company.set_value(_KEY, int(company.value(_KEY, 1)) + 1)
    audit.record("links_revoked", "company", None)


@transaction.atomic
def links_revoke_of(*, contact_id: uuid.UUID, user: User | None = None) -> int:
    """The links in all mails that a person got stop working, whoever has them; returns for how many addresses.

    Raises NotAllowed for a colleague who is no manager.
    """
    if user is not None and not user.manages:
        raise NotAllowed(_("Only managers may do this."))
    keys = list(
        Identity.objects.select_for_update()
        .filter(contact__canonical_id=contact_id)
        .exclude(kind=Identity.Kind.US)
        .values_list("pk", flat=True)
    )
    for key in keys:
        company.set_value(_own(key), int(company.value(_own(key), 0)) + 1)
    if keys:
        audit.record("person_links_revoked", "contact", contact_id, count=len(keys))
    return len(keys)
