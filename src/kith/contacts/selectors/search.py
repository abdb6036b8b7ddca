# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""People and organizations by any fragment of a name or address, at any number of them.

Beginnings of words come first, from an index of words that stops as soon as a page is full, however short the fragment.
Where these don't fill the page, fragments of three letters and more are looked up inside words by trigrams.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from kith.contacts.names import initials, person_name, sort_key
from kith.contacts.selectors.people import identity_names
from kith.core import sql

MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class NameHit:
    """`kind`: person (a contact), organization, or identity (somebody who is no contact yet)."""

    kind: str
    id: uuid.UUID
    name: str
    initials: str
    avatar: str
    hint: str


def fragments(text: str) -> list[str]:
    """The folded words of a search, the most telling first."""
    words = [row[0] for row in sql.rows("SELECT contacts_words(%s)", [sort_key(text.replace("\x00", " "))])]
    return sorted(words, key=lambda w: (-len(w), w))[:MOST_WORDS]


def ids_by_name(kind: str, words: list[str], limit: int) -> list[uuid.UUID]:
    """Ids of one kind (c, o, i) whose words begin with all of these, in the order of the first word."""
    if not words:
        return []
    others = "".join(
        f" AND EXISTS (SELECT 1 FROM contacts_nameword o WHERE o.object_id = w.object_id AND o.word LIKE %(w{n})s)"
        for n in range(1, len(words))
    )
    params: dict[str, Any] = {f"w{n}": f"{word}%" for n, word in enumerate(words)}
    rows = sql.rows(
        f"SELECT w.object_id FROM contacts_nameword w WHERE w.kind = %(kind)s AND w.word LIKE %(w0)s{others} "
        f"ORDER BY w.word USING ~<~ LIMIT %(limit)s",
        {**params, "kind": kind, "limit": limit * 3},
    )
    return list(dict.fromkeys(row[0] for row in rows))[:limit]


def contacts_by_fragment(words: list[str], limit: int) -> list[uuid.UUID]:
    """Ids of contacts whose name or address holds all of these anywhere; needs one of three letters or more.

    The inner query is planned as if all were wanted (by the index), and read only until the page is full.
    """
    if not words or len(words[0]) < 3:
        return []
    where = " AND ".join(f"upper(search_text) LIKE upper(%(w{n})s)" for n in range(len(words)))
    rows = sql.rows(
        f"WITH found AS MATERIALIZED (SELECT id FROM contacts_contact WHERE {where}) SELECT id FROM found LIMIT %(limit)s",
        {**{f"w{n}": f"%{word}%" for n, word in enumerate(words)}, "limit": limit},
    )
    return [row[0] for row in rows]


def contact_ids_search(text: str, *, limit: int = 20) -> list[uuid.UUID]:
    """Canonical ids of contacts that a fragment means, the best first."""
    return _contact_ids(fragments(text), limit)


def _contact_ids(words: list[str], limit: int) -> list[uuid.UUID]:
    found = ids_by_name("c", words, limit * 2)
    if len(found) < limit:
        known = set(found)
        found += [i for i in contacts_by_fragment(words, limit * 2) if i not in known]
    if not found:
        return []
    canonical = dict(
        sql.rows(
            "SELECT a.id, k.id FROM contacts_contact a JOIN contacts_contact k ON k.id = a.canonical_id "
            "WHERE a.id = ANY (%s) AND k.deleted_at IS NULL",
            [found],
        )
    )
    return list(dict.fromkeys(canonical[i] for i in found if i in canonical))[:limit]


def people_search(text: str, *, limit: int = 20, with_strangers: bool = True) -> list[NameHit]:
    """People, organizations and (last) identities without a contact whom a fragment means. A fixed number of queries."""
    words = fragments(text)
    if not words:
        return []
    hits = _contacts(_contact_ids(words, limit))
    hits += _organizations(ids_by_name("o", words, max(3, limit // 4)))
    if with_strangers and len(hits) < limit:
        strangers = identity_names(ids_by_name("i", words, limit * 2)).values()
        hits += [
            NameHit("identity", i.id, i.name, i.initials, i.avatar, i.handle or i.external_id)
            for i in strangers
            if i.contact_id is None
        ]
    return hits[:limit]


_CONTACTS = """
SELECT c.id, c.preferred_name, c.family_name, c.name, c.avatar, coalesce(nullif(o.name, ''), c.city, ''), i.handle, i.external_id
FROM contacts_contact c
LEFT JOIN LATERAL (
    SELECT o.name FROM contacts_affiliation f JOIN contacts_organization o ON o.id = f.organization_id
    WHERE f.contact_id = c.id AND f.ends_on IS NULL ORDER BY f.id LIMIT 1
) o ON true
LEFT JOIN LATERAL (
    SELECT i.handle, i.external_id FROM contacts_identity i WHERE i.contact_id = c.id ORDER BY i.id LIMIT 1
) i ON true
WHERE c.id = ANY (%s)
"""


def _contacts(ids: list[uuid.UUID]) -> list[NameHit]:
    found = {}
    for key, preferred, family, name, avatar, hint, handle, external in (
        sql.rows(_CONTACTS, [ids]) if ids else []
    ):
        shown = person_name(
            preferred=preferred, family=family, name=name, handle=handle or "", external_id=external or ""
        )
        found[key] = NameHit("person", key, shown, initials(shown), avatar, hint or handle or external or "")
    return [found[i] for i in ids if i in found]


def _organizations(ids: list[uuid.UUID]) -> list[NameHit]:
    if not ids:
        return []
    rows = sql.rows(
        "SELECT id, name, coalesce(nullif(city, ''), domain) FROM contacts_organization WHERE id = ANY (%s)",
        [ids],
    )
    found = {key: NameHit("organization", key, name, initials(name), "", hint) for key, name, hint in rows}
    return [found[i] for i in ids if i in found]


def identities_named(text: str, *, limit: int = 50) -> list[uuid.UUID]:
    """Identities that a name, handle or address means: by their own words, and all of those of contacts so called."""
    words = fragments(text)
    own = ids_by_name("i", words, limit)
    contacts = _contact_ids(words, limit) if words else []
    rows = sql.rows(
        "SELECT p.id FROM contacts_contact a JOIN contacts_identity p ON p.contact_id = a.id "
        "WHERE a.canonical_id = ANY (%s) AND p.kind <> 'us' LIMIT 200",
        [contacts],
    )
    return list(dict.fromkeys([*own, *(row[0] for row in rows)]))
