"""Identities by name, and the families that they belong to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from kith.contacts.models import Identity
from kith.contacts.names import initials, person_name
from kith.core import sql
from kith.core.asking import Ask, Rows
from kith.teams.selectors import named

_NAMES = """
SELECT i.id, i.network, i.handle, i.external_id, i.display_name, i.kind, i.profile_url, i.blocked_at IS NOT NULL,
       coalesce(nullif(k.avatar, ''), i.avatar), k.id, coalesce(k.name, ''), coalesce(k.preferred_name, ''),
       coalesce(k.family_name, '')
FROM contacts_identity i
LEFT JOIN contacts_contact a ON a.id = i.contact_id
LEFT JOIN contacts_contact k ON k.id = a.canonical_id AND k.deleted_at IS NULL
WHERE i.id = ANY ({ids})
"""


@dataclass(frozen=True, slots=True)
class IdentityName:
    """Somebody as a screen shows them; `contact_id` is the canonical one, None without a contact."""

    id: uuid.UUID
    network: str
    handle: str
    external_id: str
    kind: str
    profile_url: str
    blocked: bool
    avatar: str
    contact_id: uuid.UUID | None
    name: str
    initials: str


def identity_names(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, IdentityName]:
    """Names of identities, by id. One query; none for no ids."""
    wanted = list(set(ids))
    if not wanted:
        return {}
    return _named(sql.prepared(_NAMES.format(ids="%(ids)s"), {"ids": wanted}))


def names_ask(ids: str, params: Mapping[str, Any]) -> Ask:
    """The same, to be asked together with others; `ids` is SQL for an array of them, with these parameters."""
    return Ask(_NAMES.format(ids=ids), params, _named)


def _named(rows: Rows) -> dict[uuid.UUID, IdentityName]:
    found = {}
    for (
        key,
        network,
        handle,
        external,
        display,
        kind,
        url,
        blocked,
        avatar,
        contact,
        name,
        preferred,
        family,
    ) in rows:
        shown = person_name(
            preferred=preferred,
            family=family,
            name=name,
            display=display,
            handle=handle,
            external_id=external,
        )
        found[key] = IdentityName(
            key, network, handle, external, kind, url, blocked, avatar, contact, shown, initials(shown)
        )
    return found


def tags_ask() -> Ask:
    """All tags, to be asked together with other lists."""
    return Ask("SELECT id, name FROM contacts_tag ORDER BY name", {}, named)


def organizations_ask(most: int) -> Ask:
    """The first organizations by name, to be asked together with other lists."""
    select = "SELECT id, name FROM contacts_organization ORDER BY sort_key LIMIT %(most)s"
    return Ask(select, {"most": most}, named)


def tag_names_ask(most: int) -> Ask:
    """Names of tags, to be asked together with other lists."""
    return Ask(
        "SELECT name FROM contacts_tag ORDER BY name LIMIT %(most)s",
        {"most": most},
        lambda rows: [row[0] for row in rows],
    )


class Family(NamedTuple):
    """A person with all that is read as theirs, through merges: under which ids their rows stand, and their identities."""

    contact_id: uuid.UUID
    aliases: tuple[uuid.UUID, ...]
    identities: tuple[uuid.UUID, ...]


_FAMILY = """
SELECT k.id, array(SELECT a.id FROM contacts_contact a WHERE a.canonical_id = k.id),
       array(SELECT p.id FROM contacts_contact a JOIN contacts_identity p ON p.contact_id = a.id
             WHERE a.canonical_id = k.id)
FROM contacts_contact c JOIN contacts_contact k ON k.id = c.canonical_id
WHERE c.id = %(contact)s AND k.deleted_at IS NULL
"""


def contact_family(contact_id: uuid.UUID) -> Family | None:
    """Whom `contact_id` is read as; None when there is none or they were deleted. One query."""
    found = sql.prepared(_FAMILY, {"contact": contact_id})
    return Family(found[0][0], tuple(found[0][1]), tuple(found[0][2])) if found else None


def family_ask(contact: str, params: Mapping[str, Any]) -> Ask:
    """The same, to be asked together with others; `contact` is SQL for the id of one, with these parameters."""
    statement = _FAMILY.replace("%(contact)s", contact)
    return Ask(
        statement,
        params,
        lambda rows: Family(rows[0][0], tuple(rows[0][1]), tuple(rows[0][2])) if rows else None,
    )


def canonical_of(contact_id: uuid.UUID) -> uuid.UUID | None:
    """The contact that `contact_id` is read as, through merges; None when there is none or it was deleted."""
    found = contact_family(contact_id)
    return found.contact_id if found else None


def first_identity(contact_id: uuid.UUID) -> Identity | None:
    """By which somebody is known for the longest time, merged contacts included; None where no address is known."""
    theirs = Identity.objects.filter(contact__canonical__aliases=contact_id).exclude(kind=Identity.Kind.US)
    return theirs.order_by("id").first()


def identity_family(
    *, contact_id: uuid.UUID | None = None, identity_id: uuid.UUID | None = None
) -> tuple[uuid.UUID, ...]:
    """All identities of a contact (its merged aliases included), or of the contact that an identity belongs to."""
    statement = (
        "SELECT p.id FROM contacts_contact c JOIN contacts_contact a ON a.canonical_id = c.canonical_id "
        "JOIN contacts_identity p ON p.contact_id = a.id WHERE c.id = %(contact)s"
    )
    if contact_id is None:
        statement = (
            "SELECT p.id FROM contacts_identity i JOIN contacts_contact c ON c.id = i.contact_id "
            "JOIN contacts_contact a ON a.canonical_id = c.canonical_id JOIN contacts_identity p ON p.contact_id = a.id "
            "WHERE i.id = %(identity)s UNION SELECT id FROM contacts_identity WHERE id = %(identity)s"
        )
    found = sql.prepared(statement, {"contact": contact_id, "identity": identity_id})
    return tuple(row[0] for row in found)
