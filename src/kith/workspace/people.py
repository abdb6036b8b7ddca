"""The people screens: the list, and one person's page (the timeline has a module of its own)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from kith.contacts.models import (
    Affiliation,
    Contact,
    Fact,
    Identity,
    IdentityLink,
    Merge,
    Relationship,
    Tag,
)
from kith.contacts.names import greeting_name, initials, person_name
from kith.contacts.selectors import canonical_of, identity_family
from kith.core import sql
from kith.networks.selectors import manifest_of
from kith.teams.types import Viewer
from kith.trust.selectors import NeverContact, never_contact
from kith.work.models import Note, Promise, Task
from kith.work.selectors import notes_pinned, promises_of, promises_open, tasks_open
from kith.workspace.inbox import InboxRow, InboxView, TagChip, inbox_page
from kith.workspace.people_facts import FactRow, facts_of


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
    merges: tuple[MergeRow, ...]
    owner_id: uuid.UUID | None
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
    never: tuple[NeverContact, ...]


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
            TagChip(x.pk, x.name, x.color)
            for x in Tag.objects.filter(contacts__contact_id__in=aliases).distinct().order_by("name")
        ),
        identities=_identities(family),
        affiliations=tuple(
            AffiliationRow(f.pk, f.organization_id, f.organization.name, f.role, f.begins_on, f.ends_on)
            for f in Affiliation.objects.filter(contact_id__in=aliases)
            .select_related("organization")
            .order_by("id")
        ),
        relationships=_relationships(aliases),
        facts=facts_of(viewer, contact, aliases),
        merges=_merges(aliases),
        owner_id=contact.owner_id,
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
        never=never_contact(family),
    )


def _merges(aliases: tuple[uuid.UUID, ...]) -> tuple[MergeRow, ...]:
    """A merged contact's own name is read from its own facts: its columns belong to whom it is read as."""
    rows = list(
        Merge.objects.filter(survivor_id__in=aliases, undone_at=None)
        .select_related("decided_by")
        .order_by("-id")
    )
    names: dict[uuid.UUID, str] = {}
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
                why=str(link.evidence.get("words", "")) if link else "",
            )
        )
    return tuple(found)


def _relationships(aliases: tuple[uuid.UUID, ...]) -> tuple[tuple[uuid.UUID, str, str], ...]:
    rows = Relationship.objects.filter(contact_id__in=aliases, ends_on=None).select_related(
        "other__canonical"
    )
    return tuple((r.other.canonical_id, r.other.canonical.name, r.kind) for r in rows.order_by("id"))
