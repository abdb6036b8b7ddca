"""The people screens: the list, and one person's page (the timeline has a module of its own)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.utils.translation import get_language

from kith.contacts.models import (
    Contact,
    CustomField,
    Identity,
    IdentityLink,
    Merge,
)
from kith.contacts.names import Greeting, greeting, initials, person_name
from kith.contacts.selectors import Family, contact_family
from kith.core import sql
from kith.core.asking import Ask, Asking, Rows, answered, asked
from kith.core.objects import objects_ask
from kith.networks.selectors import manifest_of
from kith.teams.types import Viewer
from kith.trust.selectors import NeverContact, never_contact_ask
from kith.work.models import Note, Promise, Task
from kith.work.selectors import contact_promises_ask, contact_tasks_ask, notes_pinned_ask
from kith.workspace.inbox import InboxRow, InboxView, TagChip, inbox_page
from kith.workspace.people_facts import FactRow, custom_fields_ask, facts_ask, facts_of, scope_names_ask


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
        return self.greeting.name_used or ""

    @cached_property
    def greeting(self) -> Greeting:
        """How we would greet them in their language, and why so."""
        return greeting(
            preferred=self.contact.preferred_name,
            given=self.contact.given_name,
            confidence=self.contact.name_confidence,
            name=self.contact.name,
            language=self.contact.language or get_language() or "en",
            country=self.contact.country,
        )

    @property
    def facts(self) -> tuple[FactRow, ...]:
        return tuple(row for row in self.fact_rows if row.retracted_at is None)

    @property
    def riches(self) -> tuple[int, int, int]:
        """How much is kept: their addresses, messages with them, facts that count."""
        theirs = sum(1 for row in self.identities if row.kind != "us")
        return theirs, self.messages_in + self.messages_out, len(self.facts)

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
        return tuple(answered([notes_pinned_ask(self.viewer, self.family.aliases)])[0])

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


def is_richer(one: ContactPage, other: ContactPage) -> bool:
    """Whether `one` is the fuller record: in more of what is kept than not, else the older one."""
    sides = list(zip(one.riches, other.riches, strict=True))
    ahead, behind = sum(a > b for a, b in sides), sum(a < b for a, b in sides)
    return one.contact.created_at < other.contact.created_at if ahead == behind else ahead > behind


def contact_page(
    viewer: Viewer, contact_id: uuid.UUID, *, family: Family | None = None
) -> ContactPage | None:
    """A person's page, under any id that the person ever had; None when there is none. A fixed number of queries."""
    family = family or contact_family(contact_id)
    if family is None:
        return None
    return asked(contact_asking(viewer, family))


def contact_asking(viewer: Viewer, family: Family) -> Asking[ContactPage]:
    """The page of a contact that is known to be there, to be asked together with others."""
    ids, theirs = list(family.aliases), list(family.identities)
    contacts, tags, links, identities, works, fields, facts, merges, tasks, promises = yield (
        objects_ask(Contact, "r.id = %(id)s", {"id": family.contact_id}, owner="name"),
        Ask(_TAGS, {"contacts": ids}),
        links_ask(theirs, decided_by="name"),
        objects_ask(Identity, "r.id = ANY (%(ids)s) ORDER BY r.network, r.id", {"ids": theirs}),
        affiliations_ask(ids),
        custom_fields_ask(),
        facts_ask(ids),
        objects_ask(
            Merge,
            "r.survivor_id = ANY (%(contacts)s) AND r.undone_at IS NULL ORDER BY r.id DESC",
            {"contacts": ids},
            decided_by="name",
        ),
        contact_tasks_ask(viewer, ids),
        contact_promises_ask(viewer, ids),
    )
    contact = contacts[0]
    rows = tuple(_identity(i, links.get(i.pk)) for i in identities)
    facts = [fact for fact in facts if viewer.sees(fact.scope_id)]
    names, scopes, never = yield (
        Ask(_LOSERS, {"ids": [m.loser_id for m in merges]}, dict),
        scope_names_ask({f.scope_id for f in facts if f.scope_id}),
        never_contact_ask((i.network, i.external_id, i.handle) for i in rows),
    )
    shown = person_name(
        preferred=contact.preferred_name, family=contact.family_name, name=contact.name
    ) or next((i.external_id for i in rows), "")
    open_ones = [p for p in promises if p.kept_at is None and p.broken_at is None]
    open_ones.sort(key=lambda p: (p.due_at is None, p.due_at or p.created_at, p.id))
    return ContactPage(
        viewer=viewer,
        contact=contact,
        family=family,
        name=shown,
        owner=contact.owner.name if contact.owner else "",
        tags=tuple(TagChip(key, name, color) for key, name, color, theirs in tags if theirs),
        tags_known=tuple(tag[1] for tag in tags),
        identities=rows,
        affiliations=works,
        fields=tuple(fields),
        fact_rows=facts_of(contact, facts, fields, scopes),
        merges=tuple(
            MergeRow(
                m.pk,
                str(names.get(m.loser_id, "")),
                m.created_at,
                m.decided_by.name if m.decided_by else "",
                m.reason,
            )
            for m in merges
        ),
        tasks=tuple(tasks),
        promises=tuple(open_ones),
        settled=tuple(p for p in promises if p.kept_at or p.broken_at),
        never=never,
    )


def affiliations_ask(aliases: Sequence[uuid.UUID]) -> Ask:
    """Where somebody works and worked, in the order in which it was written down: AffiliationRows."""
    return Ask(
        _AFFILIATIONS,
        {"contacts": list(aliases)},
        lambda rows: tuple(AffiliationRow(*row) for row in rows),
    )


def links_ask(identities: Sequence[uuid.UUID], **related: str) -> Ask:
    """How we know whose these identities are: IdentityLinks that stand, by identity."""
    made = objects_ask(
        IdentityLink,
        "r.identity_id = ANY (%(ids)s) AND r.unlinked_at IS NULL",
        {"ids": list(identities)},
        **related,
    )

    def read(rows: Rows) -> dict[uuid.UUID, IdentityLink]:
        return {link.identity_id: link for link in made.read(rows)}

    return made._replace(read=read)


_AFFILIATIONS = """
SELECT f.id, f.organization_id, o.name, f.role, f.begins_on, f.ends_on
FROM contacts_affiliation f JOIN contacts_organization o ON o.id = f.organization_id
WHERE f.contact_id = ANY (%(contacts)s) ORDER BY f.id
"""
# A merged contact's own name is read from its own facts: its columns belong to whom it is read as.
_LOSERS = """
SELECT contact_id, value #>> '{}' FROM contacts_fact
WHERE contact_id = ANY (%(ids)s) AND attribute IN ('name', 'given_name') AND retracted_at IS NULL AND scope_id IS NULL
ORDER BY attribute, id
"""


def _identity(i: Identity, link: IdentityLink | None) -> IdentityRow:
    manifest = manifest_of(i.network)
    return IdentityRow(
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
