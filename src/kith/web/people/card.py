"""The person beside a conversation: who they are, what is pending, where they talk, what we know and how."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Contact, Fact, Identity, IdentityLink
from kith.contacts.names import initials
from kith.contacts.selectors import Family, IdentityName, contact_family, family_ask, names_ask
from kith.core.asking import Ask, Asking, asked
from kith.core.objects import objects_ask
from kith.teams.types import Viewer
from kith.trust import sentences
from kith.work.models import Promise, Task
from kith.work.selectors import contact_promises_ask, contact_tasks_ask
from kith.workspace.people import AffiliationRow, affiliations_ask, links_ask

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

    id: uuid.UUID
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


_HANDLES = "r.id = ANY (%(ids)s) AND r.kind <> 'us' ORDER BY r.last_seen_at DESC, r.id LIMIT 12"


def _handles_asks(ids: Sequence[uuid.UUID]) -> tuple[Ask, Ask]:
    return objects_ask(Identity, _HANDLES, {"ids": list(ids)}), links_ask(ids)


def _handles(rows: Sequence[Identity], links: Mapping[uuid.UUID, IdentityLink]) -> list[Handle]:
    bases = {key: link.get_basis_display() for key, link in links.items()}
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
        for row in rows
    ]


def _pending(tasks: list[Task], promises: list[Promise]) -> list[Pending]:
    """Open tasks and promises, the most urgent first."""
    found = [
        Pending(
            t.pk,
            "task",
            t.title,
            t.assignee.name if t.assignee else _("nobody"),
            t.due_at,
            bool(t.due_at and t.due_at < now()),
        )
        for t in tasks[:20]
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
        for p in promises[:20]
    ]
    far = datetime.max.replace(tzinfo=now().tzinfo)
    return sorted(found, key=lambda item: item.due_at or far)


_KNOWN = """
r.contact_id = ANY (%(contacts)s) AND (r.scope_id IS NULL OR r.scope_id = ANY (%(scopes)s)) AND r.retracted_at IS NULL
AND (r.expires_at IS NULL OR r.expires_at > %(now)s) AND r.attribute <> ALL (%(hidden)s)
ORDER BY r.observed_at DESC, r.id DESC LIMIT %(limit)s
"""


def known_ask(viewer: Viewer, contact_ids: list[uuid.UUID], *, limit: int = 12) -> Ask:
    """Facts that stand, newest first, each attribute once, with how we know."""
    made = objects_ask(
        Fact,
        _KNOWN,
        {
            "contacts": contact_ids,
            "scopes": list(viewer.scope_ids),
            "hidden": sorted(HIDDEN),
            "now": now(),
            "limit": limit * 3,
        },
    )
    return made._replace(read=lambda rows: _known(made.read(rows), limit))


def _known(rows: Sequence[Fact], limit: int) -> list[Known]:
    found: dict[str, Known] = {}
    for fact in rows:
        shown = fact.value if isinstance(fact.value, str) else str(fact.value)
        label = fact.attribute.removeprefix("custom.").replace("_", " ")
        found.setdefault(
            f"{fact.attribute}:{shown}",
            Known(
                id=fact.pk,
                text=shown if fact.attribute in ("note", "interest") else f"{label.capitalize()}: {shown}",
                how=str(fact.get_source_display()),
                at=fact.observed_at,
                quote=fact.quote,
                message_id=fact.message_id,
                used=fact.about == "self",
            ),
        )
    return list(found.values())[:limit]


_HELD = """
SELECT d.rule, d.values, d.sentence, d.until FROM (
    SELECT t.id, t.planned_for FROM trust_touch t
    WHERE t.contact_id = ANY (%(contacts)s) AND t.state = 'held'
      AND (t.subject_id IS NULL OR EXISTS (SELECT 1 FROM conversations_messagecopy k
                                           WHERE k.message_id = t.subject_id AND k.scope_id = ANY (%(scopes)s)))
    ORDER BY t.planned_for DESC LIMIT 3
) held CROSS JOIN LATERAL (SELECT * FROM trust_decision x WHERE x.touch_id = held.id ORDER BY x.id DESC LIMIT 1) d
ORDER BY held.planned_for DESC
"""


def held_ask(viewer: Viewer, contact_ids: list[uuid.UUID]) -> Ask:
    """What the gate holds back, for those who may see what it is held for."""
    return Ask(
        _HELD,
        {"contacts": contact_ids, "scopes": list(viewer.scope_ids)},
        lambda rows: [Held(sentences.of(rule, values, words), until) for rule, values, words, until in rows],
    )


def contact_line(contact: Contact, works: Sequence[AffiliationRow]) -> str:
    """Somebody in a line: what they go by, where they work, where they live, since when we know them."""
    since = _("since %(year)s") % {"year": contact.created_at.year}
    goes = ""
    if contact.preferred_name and contact.preferred_name not in contact.name:
        goes = _("goes by %(name)s") % {"name": contact.preferred_name}
    return " · ".join(part for part in (goes, *_works(works)[:1], contact.city, since) if part)


def _works(rows: Sequence[AffiliationRow]) -> list[str]:
    return [f"{r.role}, {r.organization}" if r.role else r.organization for r in rows if not r.ends_on][:4]


_IDENTITY = "(SELECT identity_id FROM conversations_conversation WHERE id = %(conversation)s)"


def card_asking(viewer: Viewer, conversation_id: uuid.UUID) -> Asking[Card | None]:
    """The card of whom a conversation is with, to be asked together with others; None when it is with nobody.

    Without a contact it shows the identity alone. The caller shows it to those who may see the conversation.
    """
    asked_for = {"conversation": conversation_id}
    named, bios, family = yield (
        names_ask(f"array{_IDENTITY}", asked_for),
        Ask(f"SELECT bio FROM contacts_identity WHERE id = {_IDENTITY}", asked_for),  # noqa: S608  (a constant)
        family_ask(f"(SELECT contact_id FROM contacts_identity WHERE id = {_IDENTITY})", asked_for),  # noqa: S608  (a constant)
    )
    person = next(iter(named.values()), None)
    if person is None:
        return None
    if family is not None:
        return (yield from contact_card_asking(viewer, family, person))
    rows, links = yield _handles_asks([person.id])
    return Card(
        key=person.id,
        contact_id=None,
        identity_id=person.id,
        name=person.name,
        initials=person.initials,
        avatar=person.avatar,
        line=_("Nobody we know yet"),
        handles=_handles(rows, links),
        bio=bios[0][0] if bios else "",
    )


def contact_card(viewer: Viewer, contact_id: uuid.UUID) -> Card:
    """The card of a contact by any of its ids; raises Contact.DoesNotExist."""
    family = contact_family(contact_id)
    if family is None:
        raise Contact.DoesNotExist
    return asked(contact_card_asking(viewer, family))


def contact_card_asking(viewer: Viewer, family: Family, person: IdentityName | None = None) -> Asking[Card]:
    """The same, to be asked together with others."""
    ids = list(family.aliases)
    (contact,), works, promises, tasks, known, held, *handles = yield (
        objects_ask(Contact, "r.id = %(id)s", {"id": family.contact_id}),
        affiliations_ask(ids),
        contact_promises_ask(viewer, ids),
        contact_tasks_ask(viewer, ids),
        known_ask(viewer, ids),
        held_ask(viewer, ids),
        *_handles_asks(family.identities),
    )
    settled = [p for p in promises if p.kept_at or p.broken_at]
    shown = contact.name or contact.preferred_name or (person.name if person else _("Somebody"))
    return Card(
        key=family.contact_id,
        contact_id=family.contact_id,
        identity_id=person.id if person else None,
        name=shown,
        initials=initials(shown),
        avatar=contact.avatar or (person.avatar if person else ""),
        line=contact_line(contact, works),
        handles=_handles(*handles),
        pending=_pending(tasks, [p for p in promises if p not in settled]),
        work=_works(works),
        known=known,
        held=held,
        # One that is overdue was not kept so far.
        promises_made=sum(1 for p in promises if p in settled or (p.due_at and p.due_at < now())),
        promises_kept=sum(1 for p in settled if p.kept_at),
    )
