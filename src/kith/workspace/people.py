"""The people screens: the list, and one person's page (the timeline has a module of its own)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from kith.contacts.models import (
    Affiliation,
    Contact,
    CustomField,
    Fact,
    Identity,
    IdentityLink,
    Merge,
)
from kith.contacts.names import greeting_name, initials, person_name
from kith.contacts.selectors import Family, contact_family
from kith.core import sql
from kith.core.objects import objects
from kith.networks.selectors import manifest_of
from kith.teams.types import Viewer
from kith.trust.selectors import NeverContact, never_contact_of
from kith.work.models import Note, Promise, Task
from kith.work.selectors import contact_promises, contact_tasks, notes_pinned
from kith.workspace.inbox import InboxRow, InboxView, TagChip, inbox_page
from kith.workspace.people_facts import FactRow, custom_fields, facts_of


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """One way to reach a person; `basis` and `since` say how we know that it is theirs."""

    id: uuid.UUID
    network: str
    network_title: str
    external_id: str
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
    why: str = ""


@dataclass(frozen=True, slots=True)
class MergeRow:
    """Who is read as this person, since when, by whose decision, and why."""

    id: uuid.UUID
    name: str
    at: datetime
    decided_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class AffiliationRow:
    id: uuid.UUID
    organization_id: uuid.UUID
    organization: str
    role: str
    begins_on: date | None
    ends_on: date | None


@dataclass(frozen=True)
class ContactPage:
    """Who somebody is, what is pending and who does it, and the numbers, each with its list.

    `fact_rows` has those called wrong too, `promises` those that are open, `settled` the others. The last properties are
    read when they are asked for.
    """

    viewer: Viewer = field(repr=False)
    contact: Contact = field(repr=False)
    family: Family
    name: str
    owner: str
    tags: tuple[TagChip, ...]
    tags_known: tuple[str, ...]
    identities: tuple[IdentityRow, ...]
    affiliations: tuple[AffiliationRow, ...]
    fields: tuple[CustomField, ...]
    fact_rows: tuple[FactRow, ...]
    merges: tuple[MergeRow, ...]
    tasks: tuple[Task, ...]
    promises: tuple[Promise, ...]
    settled: tuple[Promise, ...]
    never: tuple[NeverContact, ...]

    @property
    def id(self) -> uuid.UUID:
        return self.family.contact_id

    @property
    def initials(self) -> str:
        return initials(self.name)

    @property
    def avatar(self) -> str:
        return self.contact.avatar

    @property
    def greeting_name(self) -> str:
        return greeting_name(
            preferred=self.contact.preferred_name,
            given=self.contact.given_name,
            confidence=self.contact.name_confidence,
        )

    @property
    def facts(self) -> tuple[FactRow, ...]:
        return tuple(row for row in self.fact_rows if row.retracted_at is None)

    @property
    def promises_all(self) -> int:
        return len(self.promises) + len(self.settled)

    @property
    def promises_kept(self) -> int:
        return sum(1 for promise in self.settled if promise.kept_at)

    @cached_property
    def relationships(self) -> tuple[tuple[uuid.UUID, str, str], ...]:
        """(id, name, what they are) of those whom they have to do with."""
        return tuple(sql.prepared(_RELATIONSHIPS, {"contacts": list(self.family.aliases)}))

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        return tuple(notes_pinned(self.viewer, self.family.aliases)[:20])

    @cached_property
    def conversations(self) -> tuple[InboxRow, ...]:
        view = InboxView("all", identity_ids=self.family.identities)
        return inbox_page(self.viewer, view, limit=20).rows

    @cached_property
    def _numbers(self) -> tuple[Any, ...]:
        params = {"identities": list(self.family.identities), "scopes": list(self.viewer.scope_ids)}
        return sql.prepared(_NUMBERS, params)[0]

    @property
    def messages_in(self) -> int:
        return int(self._numbers[0])

    @property
    def messages_out(self) -> int:
        return int(self._numbers[1])

    @property
    def first_at(self) -> datetime | None:
        """When the first of these messages was."""
        return self._numbers[2]  # type: ignore[no-any-return]


_RELATIONSHIPS = """
SELECT k.id, k.name, r.kind FROM contacts_relationship r JOIN contacts_contact o ON o.id = r.other_id
JOIN contacts_contact k ON k.id = o.canonical_id WHERE r.contact_id = ANY (%(contacts)s) AND r.ends_on IS NULL ORDER BY r.id
"""
_TAGS = """
SELECT t.id, t.name, t.color, EXISTS (SELECT 1 FROM contacts_contacttag c WHERE c.tag_id = t.id AND c.contact_id = ANY (%(contacts)s))
FROM contacts_tag t ORDER BY t.name
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


def contact_page(
    viewer: Viewer, contact_id: uuid.UUID, *, family: Family | None = None
) -> ContactPage | None:
    """A person's page, under any id that the person ever had; None when there is none. A fixed number of queries."""
    family = family or contact_family(contact_id)
    if family is None:
        return None
    contact = objects(Contact, "r.id = %(id)s", {"id": family.contact_id}, owner="name")[0]
    ids = list(family.aliases)
    identities, fields = _identities(family.identities), custom_fields()
    shown = person_name(
        preferred=contact.preferred_name, family=contact.family_name, name=contact.name
    ) or next((i.external_id for i in identities), "")
    promises = contact_promises(viewer, ids)
    open_ones = [p for p in promises if p.kept_at is None and p.broken_at is None]
    open_ones.sort(key=lambda p: (p.due_at is None, p.due_at or p.created_at, p.id))
    tags = sql.prepared(_TAGS, {"contacts": ids})
    return ContactPage(
        viewer=viewer,
        contact=contact,
        family=family,
        name=shown,
        owner=contact.owner.name if contact.owner else "",
        tags=tuple(TagChip(key, name, color) for key, name, color, theirs in tags if theirs),
        tags_known=tuple(tag[1] for tag in tags),
        identities=identities,
        affiliations=affiliations_of(ids),
        fields=tuple(fields),
        fact_rows=facts_of(viewer, contact, ids, fields),
        merges=_merges(ids),
        tasks=tuple(contact_tasks(viewer, ids)),
        promises=tuple(open_ones),
        settled=tuple(p for p in promises if p.kept_at or p.broken_at),
        never=never_contact_of((i.network, i.external_id, i.handle) for i in identities),
    )


def affiliations_of(aliases: Sequence[uuid.UUID]) -> tuple[AffiliationRow, ...]:
    """Where somebody works and worked, in the order in which it was written down."""
    rows = objects(
        Affiliation,
        "r.contact_id = ANY (%(contacts)s) ORDER BY r.id",
        {"contacts": list(aliases)},
        organization="name",
    )
    return tuple(
        AffiliationRow(f.pk, f.organization_id, f.organization.name, f.role, f.begins_on, f.ends_on)
        for f in rows
    )


def _merges(aliases: list[uuid.UUID]) -> tuple[MergeRow, ...]:
    """A merged contact's own name is read from its own facts: its columns belong to whom it is read as."""
    rows = objects(
        Merge,
        "r.survivor_id = ANY (%(contacts)s) AND r.undone_at IS NULL ORDER BY r.id DESC",
        {"contacts": aliases},
        decided_by="name",
    )
    names: dict[uuid.UUID, str] = {}
    if rows:
        for fact in Fact.objects.filter(
            contact_id__in=[m.loser_id for m in rows],
            attribute__in=["name", "given_name"],
            retracted_at=None,
            scope_id=None,
        ).order_by("attribute", "id"):
            names[fact.contact_id] = str(fact.value)
    return tuple(
        MergeRow(
            m.pk,
            names.get(m.loser_id, ""),
            m.created_at,
            m.decided_by.name if m.decided_by else "",
            m.reason,
        )
        for m in rows
    )


def _identities(family: tuple[uuid.UUID, ...]) -> tuple[IdentityRow, ...]:
    asked = {"ids": list(family)}
    links = {
        link.identity_id: link
        for link in objects(
            IdentityLink,
            "r.identity_id = ANY (%(ids)s) AND r.unlinked_at IS NULL",
            asked,
            decided_by="name",
        )
    }
    found = []
    for i in objects(Identity, "r.id = ANY (%(ids)s) ORDER BY r.network, r.id", asked):
        link, manifest = links.get(i.pk), manifest_of(i.network)
        found.append(
            IdentityRow(
                id=i.pk,
                network=i.network,
                network_title=manifest.title if manifest else i.network,
                external_id=i.external_id,
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
                why=str(link.evidence.get("words", "")) if link else "",
            )
        )
    return tuple(found)
