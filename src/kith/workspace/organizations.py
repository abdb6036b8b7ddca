"""Companies: their list, and the page of one with its people and its conversations."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from kith.base.keyset import cursor_decode_text, cursor_encode
from kith.contacts.models import Organization
from kith.contacts.names import sort_key
from kith.contacts.selectors.search import fragments, ids_by_name
from kith.core import sql
from kith.teams.types import Viewer
from kith.workspace.inbox import InboxRow, InboxView, inbox_page
from kith.workspace.people_list import PersonRow, person_rows

MOST_PEOPLE = 200


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    id: uuid.UUID
    name: str
    city: str
    domain: str
    people: int


@dataclass(frozen=True, slots=True)
class RoleRow:
    """One role of one person at a company; `ends_on` None: still."""

    id: uuid.UUID
    person: PersonRow
    role: str
    begins_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class OrganizationPage:
    organization: Organization
    people: tuple[RoleRow, ...]
    former: tuple[RoleRow, ...]
    conversations: tuple[InboxRow, ...]


_ROWS = """
SELECT o.id, o.name, o.city, o.domain, o.sort_key, (
    SELECT count(DISTINCT c.canonical_id) FROM contacts_affiliation f JOIN contacts_contact c ON c.id = f.contact_id
    JOIN contacts_contact k ON k.id = c.canonical_id
    WHERE f.organization_id = o.id AND f.ends_on IS NULL AND k.deleted_at IS NULL)
FROM contacts_organization o WHERE {where} ORDER BY o.sort_key, o.id LIMIT %(limit)s
"""
_ROLES = """
SELECT DISTINCT ON (c.canonical_id, f.role, f.ends_on) c.canonical_id, f.role, f.begins_on, f.ends_on, f.id
FROM contacts_affiliation f JOIN contacts_contact c ON c.id = f.contact_id
JOIN contacts_contact k ON k.id = c.canonical_id AND k.deleted_at IS NULL
WHERE f.organization_id = %(id)s ORDER BY c.canonical_id, f.role, f.ends_on LIMIT %(limit)s
"""
_IDENTITIES = """
SELECT i.id FROM contacts_contact a JOIN contacts_identity i ON i.contact_id = a.id
WHERE a.canonical_id = ANY (%(ids)s) LIMIT 500
"""


def organizations_list(
    text: str = "", *, cursor: str | None = None, limit: int = 60
) -> tuple[list[OrganizationRow], str | None]:
    """One page by name, or the best hits of a search; a cursor for what follows."""
    params: dict[str, object] = {"limit": limit + 1}
    where = "true"
    after = cursor_decode_text(cursor)
    if text:
        where = "o.id = ANY (%(ids)s)"
        params["ids"] = ids_by_name("o", fragments(sort_key(text)), limit)
    elif after is not None:
        where = "(o.sort_key, o.id) > (%(name)s, %(key)s)"
        params["name"], params["key"] = after
    found = sql.rows(_ROWS.format(where=where), params)
    rows = [OrganizationRow(r[0], r[1], r[2], r[3], r[5]) for r in found[:limit]]
    last = found[limit - 1] if len(found) > limit else None
    return rows, cursor_encode(last[4], last[0]) if last and not text else None


def organization_page(viewer: Viewer, organization_id: uuid.UUID) -> OrganizationPage | None:
    """Its people, who left, and the talk with those who are there, as the viewer may see it."""
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is None:
        return None
    roles = sql.rows(_ROLES, {"id": organization_id, "limit": MOST_PEOPLE})
    rows = {r.id: r for r in person_rows(viewer, list(dict.fromkeys(r[0] for r in roles)))}
    every = sorted(
        (RoleRow(r[4], rows[r[0]], r[1], r[2], r[3]) for r in roles if r[0] in rows),
        key=lambda r: (sort_key(r.person.name), r.role),
    )
    here = [r for r in every if r.ends_on is None or r.ends_on > timezone.localdate()]
    identities = tuple(r[0] for r in sql.rows(_IDENTITIES, {"ids": [r.person.id for r in here]}))
    talk = inbox_page(viewer, InboxView("all", identity_ids=identities), limit=30).rows if identities else ()
    return OrganizationPage(organization, tuple(here), tuple(r for r in every if r not in here), talk)
