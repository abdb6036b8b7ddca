"""Identities as messages show them: made once, their handles dated, in batches."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from kith.base.clock import now
from kith.base.ids import new_id
from kith.contacts.models import Identity
from kith.contacts.types import IdentityKey, KnownIdentity, ObservedIdentity
from kith.core import audit, events
from kith.teams.models import User

ROLE_ADDRESSES = frozenset(
    [
        "info",
        "sales",
        "support",
        "contact",
        "office",
        "hello",
        "team",
        "admin",
        "billing",
        "service",
        "help",
        "mail",
        "kontakt",
        "ventas",
        "buero",
        "office",
    ]
)

# Rows are locked in the order of their keys, so that two batches can't wait for each other.
_UPSERT = """
INSERT INTO contacts_identity (id, created_at, network, realm, external_id, handle, display_name, kind, profile_url,
                               avatar, avatar_url, bio, flags, last_seen_at)
SELECT o.id, now(), o.network, o.realm, o.external_id, o.handle, o.display_name, o.kind, o.profile_url,
       '', o.avatar_url, '', array(SELECT json_array_elements_text(o.flags)), %(at)s
FROM json_to_recordset(%(rows)s) AS o (id uuid, network text, realm text, external_id text, handle text,
     display_name text, kind text, profile_url text, avatar_url text, flags json)
ORDER BY o.network, o.realm, o.external_id
ON CONFLICT (network, realm, external_id) DO NOTHING
RETURNING id
"""
_SELECT = """
SELECT i.id, i.network, i.realm, i.external_id, i.handle, i.display_name, i.kind, c.canonical_id, i.blocked_at
FROM contacts_identity i
JOIN unnest(%(networks)s::text[], %(realms)s::text[], %(ids)s::text[]) AS o (network, realm, external_id)
  ON (i.network, i.realm, i.external_id) = (o.network, o.realm, o.external_id)
LEFT JOIN contacts_contact c ON c.id = i.contact_id
"""
_CHANGED = """
WITH seen AS (SELECT * FROM json_to_recordset(%(rows)s) AS o (id uuid, handle text, display_name text)),
closed AS (
    UPDATE contacts_identityhandle h SET seen_until = %(at)s FROM seen
    WHERE h.identity_id = seen.id AND h.seen_until IS NULL
),
opened AS (
    INSERT INTO contacts_identityhandle (id, created_at, identity_id, handle, display_name, seen_from)
    SELECT gen_random_uuid(), now(), id, handle, display_name, %(at)s FROM seen
)
UPDATE contacts_identity i SET handle = seen.handle, display_name = seen.display_name
FROM seen WHERE i.id = seen.id
"""


def _clean(text: str, most: int) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:most]


def _kind(observed: ObservedIdentity) -> str:
    local = observed.external_id.partition("@")[0].lower()
    if observed.kind == "person" and "@" in observed.external_id and local in ROLE_ADDRESSES:
        return Identity.Kind.SHARED
    return observed.kind


def identities_observe(
    observed: Iterable[ObservedIdentity], *, at: datetime | None = None
) -> dict[IdentityKey, KnownIdentity]:
    """Make the identities that are not known yet; note new handles and names. Three statements for any number."""
    when = at or now()
    wanted: dict[IdentityKey, ObservedIdentity] = {}
    for item in observed:
        before = wanted.get(item.key)
        if before is None or (item.display_name and not before.display_name):
            wanted[item.key] = item
    if not wanted:
        return {}
    known = _select(list(wanted))
    missing = [wanted[key] for key in wanted if key not in known]
    if missing:
        rows = [
            {
                "id": str(new_id()),
                "network": item.network,
                "realm": _clean(item.realm, 255),
                "external_id": _clean(item.external_id, 500),
                "handle": _clean(item.handle, 500),
                "display_name": _clean(item.display_name, 300),
                "kind": _kind(item),
                "profile_url": _clean(item.profile_url, 1000),
                "avatar_url": _clean(item.avatar_url, 1000),
                "flags": list(item.flags),
            }
            for item in missing
        ]
        with connection.cursor() as cursor:
            cursor.execute(_UPSERT, {"rows": json.dumps(rows), "at": when})
            made = [row[0] for row in cursor.fetchall()]
        known.update(_select([item.key for item in missing]))
        events.record("identity_observed", made)
    _note_changes(wanted, known, when)
    return known


def _select(keys: list[IdentityKey]) -> dict[IdentityKey, KnownIdentity]:
    with connection.cursor() as cursor:
        cursor.execute(
            _SELECT,
            {
                "networks": [k[0] for k in keys],
                "realms": [_clean(k[1], 255) for k in keys],
                "ids": [_clean(k[2], 500) for k in keys],
            },
        )
        found = [KnownIdentity(*row) for row in cursor.fetchall()]
    by_stored = {(i.network, i.realm, i.external_id): i for i in found}
    return {
        key: by_stored[stored]
        for key in keys
        if (stored := (key[0], _clean(key[1], 255), _clean(key[2], 500))) in by_stored
    }


def _note_changes(
    wanted: dict[IdentityKey, ObservedIdentity], known: dict[IdentityKey, KnownIdentity], at: datetime
) -> None:
    changed = []
    for key, item in wanted.items():
        row = known.get(key)
        if row is None:
            continue
        handle = _clean(item.handle, 500) or row.handle
        name = _clean(item.display_name, 300) or row.display_name
        if (handle, name) != (row.handle, row.display_name):
            changed.append({"id": str(row.id), "handle": handle, "display_name": name})
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(_CHANGED, {"rows": json.dumps(changed), "at": at})


def identity_block(*, identity_id: uuid.UUID, user: User) -> None:
    """Nothing from this sender reaches the inbox any more; it goes to the held tray."""
    Identity.objects.filter(pk=identity_id).update(blocked_at=now(), blocked_by=user)
    audit.record("identity_blocked", "identity", identity_id)
    events.record("identity_blocked", [identity_id])


def identity_unblock(*, identity_id: uuid.UUID) -> None:
    Identity.objects.filter(pk=identity_id).update(blocked_at=None, blocked_by=None)
    audit.record("identity_unblocked", "identity", identity_id)
    events.record("identity_unblocked", [identity_id])
