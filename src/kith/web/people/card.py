"""The person beside a conversation: who they are, what is pending, where they talk, what we know and how."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Affiliation, Contact, Fact, Identity, IdentityLink
from kith.contacts.names import initials
from kith.contacts.selectors import IdentityName, identity_family
from kith.conversations.models import MessageCopy
from kith.core import sql
from kith.teams.types import Viewer
from kith.trust import sentences
from kith.trust.models import Touch
from kith.work.models import Promise, Task

HIDDEN = frozenset(
    {"name", "given_name", "family_name", "preferred_name", "language", "time_zone", "city", "country"}
)


@dataclass(frozen=True, slots=True)
class Handle:
    """Where they talk: an identity with how we know that it is theirs."""

    id: uuid.UUID
    network: str
    text: str
    basis: str
    tone: str
    blocked: bool
    url: str


@dataclass(frozen=True, slots=True)
class Pending:
    id: uuid.UUID
    kind: str
    text: str
    who: str
    due_at: datetime | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A fact with its source in words."""

    text: str
    how: str
    at: datetime
    quote: str
    message_id: uuid.UUID | None
    used: bool


@dataclass(frozen=True, slots=True)
class Held:
    sentence: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Card:
    key: uuid.UUID
    contact_id: uuid.UUID | None
    identity_id: uuid.UUID | None
    name: str
    initials: str
    avatar: str
    line: str
    handles: list[Handle] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    work: list[str] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    promises_kept: int = 0
    promises_made: int = 0
    bio: str = ""


def visible(rows: QuerySet[Any], viewer: Viewer) -> QuerySet[Any]:
    """What was derived from a message has its scope (law 3)."""
    return rows.filter(Q(scope_id=None) | Q(scope_id__in=viewer.scope_ids))


def _handles(ids: tuple[uuid.UUID, ...]) -> list[Handle]:
    bases = {
        link.identity_id: link.get_basis_display()
        for link in IdentityLink.objects.filter(identity_id__in=ids, unlinked_at=None)
    }
    rows = Identity.objects.filter(pk__in=ids).exclude(kind=Identity.Kind.US).order_by("-last_seen_at", "id")
    return [
        Handle(
            id=row.pk,
            network=row.network,
            text=row.handle or row.external_id,
            basis=str(bases.get(row.pk, "")),
            tone="good" if row.pk in bases else "",
            blocked=row.blocked_at is not None,
            url=row.profile_url,
        )
        for row in rows[:12]
    ]


def pending_of(viewer: Viewer, contact_ids: list[uuid.UUID]) -> list[Pending]:
    """Open tasks and promises, the most urgent first."""
    tasks = visible(Task.objects.filter(contact_id__in=contact_ids, done_at=None), viewer)
    promises = visible(
        Promise.objects.filter(contact_id__in=contact_ids, kept_at=None, broken_at=None), viewer
    )
    found = [
        Pending(
            t.pk,
            "task",
            t.title,
            t.assignee.name if t.assignee else _("nobody"),
            t.due_at,
            bool(t.due_at and t.due_at < now()),
        )
        for t in tasks.select_related("assignee")[:20]
    ]
    found += [
        Pending(
            p.pk,
            "promise",
            p.what,
            p.who.name if p.who else _("nobody"),
            p.due_at,
            bool(p.due_at and p.due_at < now()),
        )
        for p in promises.select_related("who")[:20]
    ]
    far = datetime.max.replace(tzinfo=now().tzinfo)
    return sorted(found, key=lambda item: item.due_at or far)


def known_of(viewer: Viewer, contact_ids: list[uuid.UUID], *, limit: int = 12) -> list[Known]:
    """Facts that stand, newest first, each attribute once, with how we know."""
    rows = visible(
        Fact.objects.filter(contact_id__in=contact_ids, retracted_at=None)
        .filter(Q(expires_at=None) | Q(expires_at__gt=now()))
        .exclude(attribute__in=HIDDEN),
        viewer,
    ).order_by("-observed_at", "-id")[: limit * 3]
    found: dict[str, Known] = {}
    for fact in rows:
        shown = fact.value if isinstance(fact.value, str) else str(fact.value)
        label = fact.attribute.removeprefix("custom.").replace("_", " ")
        found.setdefault(
            f"{fact.attribute}:{shown}",
            Known(
                text=shown if fact.attribute in ("note", "interest") else f"{label.capitalize()}: {shown}",
                how=str(fact.get_source_display()),
                at=fact.observed_at,
                quote=fact.quote,
                message_id=fact.message_id,
                used=fact.about == "self",
            ),
        )
    return list(found.values())[:limit]


def held_of(viewer: Viewer, contact_ids: list[uuid.UUID]) -> list[Held]:
    """What the gate holds back, for those who may see what it is held for."""
    seen = MessageCopy.objects.filter(message_id=OuterRef("subject_id"), scope_id__in=viewer.scope_ids)
    touches = (
        Touch.objects.filter(contact_id__in=contact_ids, state=Touch.State.HELD)
        .filter(Q(subject_id=None) | Exists(seen))
        .order_by("-planned_for")[:3]
    )
    found = []
    for touch in touches:
        decision = touch.decisions.order_by("-id").first()
        if decision is not None:
            found.append(
                Held(sentences.of(decision.rule, decision.values, decision.sentence), decision.until)
            )
    return found


def aliases_of(contact_id: uuid.UUID) -> list[uuid.UUID]:
    """All contacts that are read as one with this one, through merges."""
    found = sql.prepared("SELECT id FROM contacts_contact WHERE canonical_id = %(id)s", {"id": contact_id})
    return [row[0] for row in found]


def _line(contact: Contact | None, works: list[str], city: str) -> str:
    since = _("since %(year)s") % {"year": contact.created_at.year} if contact else ""
    goes = ""
    if contact and contact.preferred_name and contact.preferred_name not in contact.name:
        goes = _("goes by %(name)s") % {"name": contact.preferred_name}
    return " · ".join(part for part in (goes, works[0] if works else "", city, since) if part)


def works_of(contact_ids: list[uuid.UUID]) -> list[str]:
    rows = Affiliation.objects.filter(contact_id__in=contact_ids, ends_on=None).select_related("organization")
    return [f"{row.role}, {row.organization.name}" if row.role else row.organization.name for row in rows[:4]]


def card_of(viewer: Viewer, person: IdentityName) -> Card:
    """The card of whoever an identity is; without a contact it shows the identity alone."""
    if person.contact_id is not None:
        return contact_card(viewer, person.contact_id, person)
    row = Identity.objects.filter(pk=person.id).values("bio").first()
    return Card(
        key=person.id,
        contact_id=None,
        identity_id=person.id,
        name=person.name,
        initials=person.initials,
        avatar=person.avatar,
        line=_("Nobody we know yet"),
        handles=_handles((person.id,)),
        bio=row["bio"] if row else "",
    )


def contact_card(viewer: Viewer, contact_id: uuid.UUID, person: IdentityName | None = None) -> Card:
    """The card of a contact by its canonical id; raises Contact.DoesNotExist."""
    contact = Contact.objects.get(pk=contact_id)
    ids = aliases_of(contact_id)
    works = works_of(ids)
    promises = visible(Promise.objects.filter(contact_id__in=ids), viewer)
    shown = contact.name or contact.preferred_name or (person.name if person else _("Somebody"))
    return Card(
        key=contact_id,
        contact_id=contact_id,
        identity_id=person.id if person else None,
        name=shown,
        initials=initials(shown),
        avatar=contact.avatar or (person.avatar if person else ""),
        line=_line(contact, works, contact.city),
        handles=_handles(identity_family(contact_id=contact_id)),
        pending=pending_of(viewer, ids),
        work=works,
        known=known_of(viewer, ids),
        held=held_of(viewer, ids),
        promises_made=promises.filter(
            Q(kept_at__isnull=False) | Q(broken_at__isnull=False) | Q(due_at__lt=now())
        ).count(),  # one that is overdue was not kept so far
        promises_kept=promises.filter(kept_at__isnull=False).count(),
    )
