# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""The list of people: by name, by who was made last or talked to last, narrowed by what one may know of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kith.base.clock import now
from kith.base.keyset import cursor_decode, cursor_decode_text, cursor_encode
from kith.contacts.models import Contact
from kith.contacts.names import initials, person_name
from kith.contacts.selectors import contact_ids_search
from kith.core import sql
from kith.teams.types import Viewer
from kith.workspace.inbox import TagChip

SORTS = ("name", "recent", "new")
FOUND_BY_TEXT, FOUND_AT_ALL = 200, 1000
WINDOWS, WINDOW = 12, 200  # how far a page by last talk is looked for, in rows of the inbox


@dataclass(frozen=True, slots=True)
class PeopleView:
    """What narrows the list; all that is given must hold. `owner`: a user's id, or "none". `last`: days within which
    there was talk that the viewer may see; negative: days without any."""

    search: str = ""
    tag: str = ""
    organization_id: uuid.UUID | None = None
    network: str = ""
    owner: str = ""
    last: int = 0
    sort: str = "name"

    @property
    def whole(self) -> bool:
        return not (
            self.search.strip() or self.tag or self.organization_id or self.network or self.owner or self.last
        )


@dataclass(frozen=True, slots=True)
class PersonRow:
    """`last_at`: the last talk that the viewer may see."""

    id: uuid.UUID
    name: str
    initials: str
    avatar: str
    city: str
    organization: str
    role: str
    networks: tuple[str, ...]
    tags: tuple[TagChip, ...]
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """`next_cursor` is None for a search, which shows the best hits only."""

    rows: tuple[PersonRow, ...]
    next_cursor: str | None


_LIVING = "c.deleted_at IS NULL AND c.id = c.canonical_id"
# An alias's identities, tags and roles are the person's.
_TALK = """EXISTS (SELECT 1 FROM contacts_contact a JOIN contacts_identity i ON i.contact_id = a.id
    JOIN conversations_conversationscope s ON s.identity_id = i.id
    WHERE a.canonical_id = c.id AND s.scope_id = ANY (%(scopes)s) AND s.last_at > %(since)s)"""
_ROWS = """
SELECT c.id, c.preferred_name, c.family_name, c.name, c.avatar, c.city, coalesce(o.name, ''), coalesce(o.role, ''),
       array(SELECT DISTINCT i.network FROM contacts_contact a
             JOIN contacts_identity i ON i.contact_id = a.id WHERE a.canonical_id = c.id ORDER BY 1),
       (SELECT json_agg(json_build_array(t.id, t.name, t.color) ORDER BY t.name) FROM contacts_tag t WHERE t.id IN (
            SELECT x.tag_id FROM contacts_contact a JOIN contacts_contacttag x ON x.contact_id = a.id
            WHERE a.canonical_id = c.id)),
       (SELECT i.external_id FROM contacts_contact a JOIN contacts_identity i ON i.contact_id = a.id
        WHERE a.canonical_id = c.id ORDER BY i.id LIMIT 1),
       (SELECT max(l.last_at) FROM contacts_contact a JOIN contacts_identity i ON i.contact_id = a.id
        CROSS JOIN LATERAL (SELECT s.last_at FROM conversations_conversationscope s
            WHERE s.identity_id = i.id AND s.scope_id = ANY (%(scopes)s) ORDER BY s.last_at DESC LIMIT 1) l
        WHERE a.canonical_id = c.id)
FROM contacts_contact c
LEFT JOIN LATERAL (
    SELECT o.name, f.role FROM contacts_contact a JOIN contacts_affiliation f ON f.contact_id = a.id
    JOIN contacts_organization o ON o.id = f.organization_id
    WHERE a.canonical_id = c.id AND f.ends_on IS NULL ORDER BY f.id LIMIT 1
) o ON true
WHERE c.id = ANY (%(ids)s)
"""
# Newest rows of the inbox first, scope by scope from its index; whoever has a newer row stood on the page before.
_RECENT = f"""
WITH talk AS MATERIALIZED (
    SELECT t.identity_id, t.last_at FROM unnest(%(scopes)s::uuid[]) sc (id)
    CROSS JOIN unnest(ARRAY['open', 'snoozed', 'closed']) st (name) CROSS JOIN LATERAL (
        SELECT s.identity_id, s.last_at FROM conversations_conversationscope s
        WHERE s.scope_id = sc.id AND s.status = st.name AND s.tray = '' {{bound}}
        ORDER BY s.last_at DESC, s.conversation_id DESC LIMIT %(window)s) t
    ORDER BY t.last_at DESC LIMIT %(window)s
)
SELECT DISTINCT ON (talk.last_at, c.id) c.id, talk.last_at, (SELECT min(last_at) FROM talk), (SELECT count(*) FROM talk)
FROM talk LEFT JOIN contacts_identity i ON i.id = talk.identity_id LEFT JOIN contacts_contact a ON a.id = i.contact_id
LEFT JOIN contacts_contact c ON c.id = a.canonical_id AND {_LIVING} {{where}}
AND NOT EXISTS (
    SELECT 1 FROM contacts_contact a2 JOIN contacts_identity i2 ON i2.contact_id = a2.id
    JOIN conversations_conversationscope s2 ON s2.identity_id = i2.id
    WHERE a2.canonical_id = c.id AND s2.scope_id = ANY (%(scopes)s) AND s2.tray = '' AND s2.last_at > talk.last_at)
ORDER BY talk.last_at DESC, c.id
"""


def _filters(viewer: Viewer, view: PeopleView) -> tuple[str, dict[str, Any]]:
    where = ""
    params: dict[str, Any] = {"scopes": list(viewer.scope_ids)}
    if view.tag:
        where += (
            " AND EXISTS (SELECT 1 FROM contacts_contact a JOIN contacts_contacttag x ON x.contact_id = a.id "
            "JOIN contacts_tag t ON t.id = x.tag_id WHERE a.canonical_id = c.id AND lower(t.name) = lower(%(tag)s))"
        )
        params["tag"] = view.tag
    if view.organization_id is not None:
        where += (
            " AND EXISTS (SELECT 1 FROM contacts_contact a JOIN contacts_affiliation f ON f.contact_id = a.id "
            "WHERE a.canonical_id = c.id AND f.organization_id = %(organization)s AND f.ends_on IS NULL)"
        )
        params["organization"] = view.organization_id
    if view.network:
        where += (
            " AND EXISTS (SELECT 1 FROM contacts_contact a JOIN contacts_identity i ON i.contact_id = a.id "
            "WHERE a.canonical_id = c.id AND i.network = %(network)s)"
        )
        params["network"] = view.network
    if view.owner == "none":
        where += " AND c.owner_id IS NULL"
    elif view.owner:
        where += " AND c.owner_id = %(owner)s::uuid"
        params["owner"] = view.owner
    if view.last:
        where += f" AND {'NOT ' if view.last < 0 else ''}{_TALK}"
        params["since"] = now() - timedelta(days=abs(view.last))
    return where, params


def people_ids(
    viewer: Viewer, view: PeopleView, *, after: uuid.UUID | None = None, limit: int = 500
) -> list[uuid.UUID]:
    """Everybody whom a view matches, by id, `limit` at a time; who leaves the list meanwhile moves nothing.

    A search means its best `FOUND_AT_ALL`.
    """
    where, params = _filters(viewer, view)
    if view.search.strip():
        where += " AND c.id = ANY (%(found)s)"
        params["found"] = contact_ids_search(view.search, limit=FOUND_AT_ALL)
    if after is not None:
        where += " AND c.id > %(after)s"
        params["after"] = after
    found = sql.rows(
        f"SELECT c.id FROM contacts_contact c WHERE {_LIVING}{where} ORDER BY c.id LIMIT %(limit)s",
        {**params, "limit": limit},
    )
    return [row[0] for row in found]


def people_total(viewer: Viewer, view: PeopleView, *, most: int) -> int:
    """How many these are, counted up to `most` + 1."""
    return len(people_ids(viewer, view, limit=most + 1))


def people_list(
    viewer: Viewer, view: PeopleView, *, cursor: str | None = None, limit: int = 50
) -> PeoplePage:
    """One page. Contacts are the company's, so every colleague sees them; what they wrote, by scope."""
    where, params = _filters(viewer, view)
    if view.search.strip():
        ids = contact_ids_search(view.search, limit=limit if view.whole else FOUND_BY_TEXT)
        if where:
            kept = sql.rows(
                f"SELECT c.id FROM contacts_contact c WHERE c.id = ANY (%(ids)s){where}",
                {**params, "ids": ids},
            )
            ids = [i for i in ids if (i,) in kept]
        return PeoplePage(person_rows(viewer, ids[:limit]), None)
    if view.sort == "recent":
        return _recent(viewer, where, params, cursor, limit)
    params["limit"] = limit + 1
    order = "c.id DESC" if view.sort == "new" else "c.sort_key, c.id"
    after = cursor_decode_text(cursor)
    if after is not None:
        where += (
            " AND c.id < %(key)s" if view.sort == "new" else " AND (c.sort_key, c.id) > (%(name)s, %(key)s)"
        )
        params["name"], params["key"] = after
    asked = f"SELECT c.id, c.sort_key FROM contacts_contact c WHERE {_LIVING}{where} ORDER BY {order} LIMIT %(limit)s"
    # The plan of a list that is narrowed hangs on what narrows it.
    found = sql.prepared(asked, params) if view.whole else sql.rows(asked, params)
    last = found[limit - 1] if len(found) > limit else None
    return PeoplePage(
        person_rows(viewer, [row[0] for row in found[:limit]]),
        cursor_encode(last[1], last[0]) if last else None,
    )


def _recent(viewer: Viewer, where: str, params: dict[str, Any], cursor: str | None, limit: int) -> PeoplePage:
    after = cursor_decode(cursor)
    bound = after[0] if after else None
    ids: list[uuid.UUID] = []
    for _turn in range(WINDOWS):
        limits = "AND s.last_at < %(bound)s" if bound is not None else ""
        rows = sql.rows(
            _RECENT.format(bound=limits, where=where), {**params, "bound": bound, "window": WINDOW}
        )
        if not rows:
            return PeoplePage(person_rows(viewer, ids), None)
        bound, size = rows[0][2], rows[0][3]
        for key, at, _least, _size in rows:
            if key is not None and key not in ids:
                ids.append(key)
                if len(ids) == limit:
                    return PeoplePage(person_rows(viewer, ids), cursor_encode(at, key))
        if size < WINDOW:
            return PeoplePage(person_rows(viewer, ids), None)
    return PeoplePage(person_rows(viewer, ids), cursor_encode(bound, uuid.UUID(int=0)))


def person_rows(viewer: Viewer, ids: list[uuid.UUID]) -> tuple[PersonRow, ...]:
    """Rows of canonical contacts, in the order of their ids. One query."""
    found = {}
    for row in sql.prepared(_ROWS, {"ids": ids, "scopes": list(viewer.scope_ids)}) if ids else []:
        key, preferred, family, name, avatar, city, organization, role, networks, tags, address, last = row
        shown = person_name(preferred=preferred, family=family, name=name, external_id=address or "")
        found[key] = PersonRow(
            key,
            shown,
            initials(shown),
            avatar,
            city,
            organization,
            role,
            tuple(networks),
            tuple(TagChip(uuid.UUID(t[0]), t[1], t[2]) for t in tags or ()),
            last,
        )
    return tuple(found[i] for i in ids if i in found)


def people_exist() -> bool:
    """Whether there is anybody at all: an empty list then teaches, instead of saying that nobody fits."""
    return Contact.objects.filter(deleted_at=None).exists()
