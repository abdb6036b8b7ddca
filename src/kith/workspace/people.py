"""The people screens: the list, and one person's page (the timeline has a module of its own)."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kith.base.keyset import cursor_decode_text, cursor_encode
from kith.contacts.models import (
    Affiliation,
    Contact,
    ContactTag,
    CustomField,
    Fact,
    Identity,
    IdentityLink,
    Relationship,
)
from kith.contacts.names import greeting_name, initials, person_name
from kith.contacts.selectors import canonical_of, contact_ids_search, identity_family
from kith.core import sql
from kith.networks.selectors import manifest_of
from kith.teams.models import User
from kith.teams.types import Viewer
from kith.work.models import Note, Promise, Task
from kith.work.selectors import notes_pinned, promises_of, promises_open, tasks_open
from kith.workspace.inbox import InboxRow, InboxView, TagChip, inbox_page


@dataclass(frozen=True, slots=True)
class PersonRow:
    id: uuid.UUID
    name: str
    initials: str
    avatar: str
    city: str
    organization: str
    role: str
    networks: tuple[str, ...]
    tags: tuple[TagChip, ...]
    last_inbound_at: datetime | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """`next_cursor` is None for a search, which shows the best hits only."""

    rows: tuple[PersonRow, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """One way to reach a person; `basis` and `since` say how we know that it is theirs."""

    id: uuid.UUID
    network: str
    network_title: str
    handle: str
    name: str
    kind: str
    profile_url: str
    basis: str
    basis_text: str
    decided_by: str
    since: datetime | None
    blocked: bool
    bounced: bool
    link_allowed: bool


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact and how we know it; `current` is the one that the page shows, others disagree or are older."""

    id: uuid.UUID
    attribute: str
    label: str
    value: Any
    source: str
    source_text: str
    quote: str
    message_id: uuid.UUID | None
    observed_at: datetime
    recorded_by: str
    current: bool


@dataclass(frozen=True, slots=True)
class AffiliationRow:
    id: uuid.UUID
    organization_id: uuid.UUID
    organization: str
    role: str
    begins_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Who somebody is, what is pending and who does it, and the numbers, each with its list."""

    id: uuid.UUID
    name: str
    initials: str
    avatar: str
    preferred_name: str
    greeting_name: str
    language: str
    time_zone: str
    city: str
    country: str
    owner: str
    tags: tuple[TagChip, ...]
    identities: tuple[IdentityRow, ...]
    affiliations: tuple[AffiliationRow, ...]
    relationships: tuple[tuple[uuid.UUID, str, str], ...]
    facts: tuple[FactRow, ...]
    tasks: tuple[Task, ...]
    promises: tuple[Promise, ...]
    notes: tuple[Note, ...]
    conversations: tuple[InboxRow, ...]
    messages_in: int
    messages_out: int
    first_at: datetime | None
    promises_kept: int
    promises_all: int
    aliases: tuple[uuid.UUID, ...]


_LIST = """
SELECT c.id, c.sort_key FROM contacts_contact c
WHERE c.deleted_at IS NULL AND c.id = c.canonical_id {where} ORDER BY c.sort_key, c.id LIMIT %(limit)s
"""
_ROWS = """
SELECT c.id, c.preferred_name, c.family_name, c.name, c.avatar, c.city, c.last_inbound_at, coalesce(o.name, ''),
       coalesce(o.role, ''), array(SELECT DISTINCT i.network FROM contacts_contact a
            JOIN contacts_identity i ON i.contact_id = a.id WHERE a.canonical_id = c.id ORDER BY 1),
       (SELECT json_agg(json_build_array(t.id, t.name, t.color) ORDER BY t.name) FROM contacts_contacttag x
        JOIN contacts_tag t ON t.id = x.tag_id WHERE x.contact_id = c.id),
       (SELECT i.external_id FROM contacts_identity i WHERE i.contact_id = c.id ORDER BY i.id LIMIT 1)
FROM contacts_contact c
LEFT JOIN LATERAL (
    SELECT o.name, f.role FROM contacts_affiliation f JOIN contacts_organization o ON o.id = f.organization_id
    WHERE f.contact_id = c.id AND f.ends_on IS NULL ORDER BY f.id LIMIT 1
) o ON true
WHERE c.id = ANY (%(ids)s)
"""
# Counted up to a thousand: more is shown as "1,000+", and nobody waits for it.
_NUMBERS = """
SELECT count(*) FILTER (WHERE direction = 'in'), count(*) FILTER (WHERE direction = 'out'), min(at) FROM (
    SELECT DISTINCT ON (x.id) x.id, x.at, x.direction FROM unnest(%(identities)s::uuid[]) who (id) CROSS JOIN LATERAL (
        SELECT m.id, p.at, m.direction FROM conversations_participant p JOIN conversations_message m ON m.id = p.message_id
        WHERE p.identity_id = who.id AND p.role IN ('from', 'to', 'cc', 'member') AND m.direction <> 'note'
          AND (SELECT true FROM conversations_messagecopy k WHERE k.message_id = p.message_id
               AND k.scope_id = ANY (%(scopes)s) LIMIT 1) IS TRUE
        ORDER BY p.at DESC LIMIT 1000
    ) x
) y
"""


def people_page(
    viewer: Viewer,
    *,
    search: str = "",
    cursor: str | None = None,
    limit: int = 50,
    tag: str = "",
    organization_id: uuid.UUID | None = None,
) -> PeoplePage:
    """People by name. Contacts are the company's, so every colleague sees them; what they wrote, by scope."""
    if search.strip():
        return PeoplePage(_rows(contact_ids_search(search, limit=limit)), None)
    where, params = "", {"limit": limit + 1, "tag": tag, "organization": organization_id}
    if after := cursor_decode_text(cursor):
        where += " AND (c.sort_key, c.id) > (%(name)s, %(key)s)"
        params["name"], params["key"] = after
    if tag:
        where += (
            " AND EXISTS (SELECT 1 FROM contacts_contacttag x JOIN contacts_tag t ON t.id = x.tag_id "
            "WHERE x.contact_id = c.id AND t.name = %(tag)s)"
        )
    if organization_id is not None:
        where += (
            " AND EXISTS (SELECT 1 FROM contacts_affiliation f WHERE f.contact_id = c.id "
            "AND f.organization_id = %(organization)s AND f.ends_on IS NULL)"
        )
    found = sql.rows(_LIST.format(where=where), params)
    last = found[limit - 1] if len(found) > limit else None
    return PeoplePage(
        _rows([row[0] for row in found[:limit]]), cursor_encode(last[1], last[0]) if last else None
    )


def _rows(ids: list[uuid.UUID]) -> tuple[PersonRow, ...]:
    found = {}
    for row in sql.rows(_ROWS, {"ids": ids}) if ids else []:
        key, preferred, family, name, avatar, city, last, organization, role, networks, tags, address = row
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


def contact_page(viewer: Viewer, contact_id: uuid.UUID) -> ContactPage | None:
    """A person's page, under any id that the person ever had; None when there is none. A fixed number of queries."""
    canonical = canonical_of(contact_id)
    if canonical is None:
        return None
    contact = Contact.objects.select_related("owner").get(pk=canonical)
    aliases = tuple(Contact.objects.filter(canonical_id=canonical).values_list("pk", flat=True))
    family = identity_family(contact_id=canonical)
    shown = person_name(
        preferred=contact.preferred_name, family=contact.family_name, name=contact.name
    ) or next(iter(Identity.objects.filter(pk__in=family).values_list("external_id", flat=True)), "")
    numbers = sql.rows(_NUMBERS, {"identities": list(family), "scopes": list(viewer.scope_ids)})[0]
    promises = list(promises_of(viewer, aliases).values_list("kept_at", "broken_at"))
    view = InboxView("all", identity_ids=family)
    return ContactPage(
        id=canonical,
        name=shown,
        initials=initials(shown),
        avatar=contact.avatar,
        preferred_name=contact.preferred_name,
        greeting_name=greeting_name(
            preferred=contact.preferred_name, given=contact.given_name, confidence=contact.name_confidence
        ),
        language=contact.language,
        time_zone=contact.time_zone,
        city=contact.city,
        country=contact.country,
        owner=contact.owner.name if contact.owner else "",
        tags=tuple(
            TagChip(x.tag_id, x.tag.name, x.tag.color)
            for x in ContactTag.objects.filter(contact_id__in=aliases)
            .select_related("tag")
            .order_by("tag__name")
        ),
        identities=_identities(family),
        affiliations=tuple(
            AffiliationRow(f.pk, f.organization_id, f.organization.name, f.role, f.begins_on, f.ends_on)
            for f in Affiliation.objects.filter(contact_id__in=aliases)
            .select_related("organization")
            .order_by("id")
        ),
        relationships=_relationships(aliases),
        facts=_facts(viewer, contact, aliases),
        tasks=tuple(tasks_open(viewer, contact_ids=aliases)[:50]),
        promises=tuple(promises_open(viewer, contact_ids=aliases)[:50]),
        notes=tuple(notes_pinned(viewer, aliases)[:20]),
        conversations=inbox_page(viewer, view, limit=20).rows,
        messages_in=numbers[0],
        messages_out=numbers[1],
        first_at=numbers[2],
        promises_kept=sum(1 for kept, _ in promises if kept),
        promises_all=len(promises),
        aliases=aliases,
    )


def _identities(family: tuple[uuid.UUID, ...]) -> tuple[IdentityRow, ...]:
    links = {
        link.identity_id: link
        for link in IdentityLink.objects.filter(identity_id__in=family, unlinked_at=None).select_related(
            "decided_by"
        )
    }
    found = []
    for i in Identity.objects.filter(pk__in=family).order_by("network", "id"):
        link, manifest = links.get(i.pk), manifest_of(i.network)
        found.append(
            IdentityRow(
                id=i.pk,
                network=i.network,
                network_title=manifest.title if manifest else i.network,
                handle=i.handle or i.external_id,
                name=i.display_name,
                kind=i.kind,
                profile_url=i.profile_url,
                basis=link.basis if link else "",
                basis_text=str(link.get_basis_display()) if link else "",
                decided_by=link.decided_by.name if link and link.decided_by else "",
                since=link.linked_at if link else None,
                blocked=i.blocked_at is not None,
                bounced=i.bounced_at is not None,
                link_allowed=manifest is None or manifest.limits.may_link_identity,
            )
        )
    return tuple(found)


def _relationships(aliases: tuple[uuid.UUID, ...]) -> tuple[tuple[uuid.UUID, str, str], ...]:
    rows = Relationship.objects.filter(contact_id__in=aliases, ends_on=None).select_related(
        "other__canonical"
    )
    return tuple((r.other.canonical_id, r.other.canonical.name, r.kind) for r in rows.order_by("id"))


def _facts(viewer: Viewer, contact: Contact, aliases: tuple[uuid.UUID, ...]) -> tuple[FactRow, ...]:
    """Facts with how we know them, those in use first; one derived from a message is seen by those who see that."""
    labels = dict(CustomField.objects.values_list("key", "label"))
    by_attribute: dict[str, list[Fact]] = defaultdict(list)
    rows = Fact.objects.filter(contact_id__in=aliases, retracted_at=None).select_related("recorded_by")
    for fact in rows.order_by("attribute", "-observed_at", "-id"):
        if viewer.sees(fact.scope_id):
            by_attribute[fact.attribute].append(fact)
    found = []
    for attribute, facts in by_attribute.items():
        custom = attribute.removeprefix("custom.")
        shown = (
            contact.custom.get(custom)
            if attribute.startswith("custom.")
            else getattr(contact, attribute, None)
        )
        used = next((f for f in facts if f.value == shown), None)
        for fact in facts:
            found.append(
                FactRow(
                    id=fact.pk,
                    attribute=attribute,
                    label=labels.get(custom, ""),
                    value=fact.value,
                    source=fact.source,
                    source_text=str(fact.get_source_display()),
                    quote=fact.quote,
                    message_id=fact.message_id,
                    observed_at=fact.observed_at,
                    recorded_by=_name(fact.recorded_by),
                    current=fact is used,
                )
            )
    return tuple(found)


def _name(user: User | None) -> str:
    return user.name if user is not None else ""
