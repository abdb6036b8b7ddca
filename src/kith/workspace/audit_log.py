"""The audit log as a person reads it: its rows, and what the ids in them are called."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kith.base.ids import id_for_time
from kith.contacts.models import Contact, Fact, Organization
from kith.conversations.models import ConversationScope, MessageCopy
from kith.conversations.selectors import identities_seen
from kith.core.fields import as_uuid
from kith.core.models import AuditEvent
from kith.networks.models import ChannelAccount
from kith.teams.models import Team, User
from kith.teams.types import Viewer
from kith.work.models import Task

KITH = "kith"
"""In place of a user's id: what nobody did, Kith itself."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """All that is given must hold. `actor`: a user's id or `KITH`; `since` is within, `until` without."""

    actor: str = ""
    actions: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    subject_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """What an id is called. `kind` and `id` say where it is looked at; no `kind`: nowhere, or not by this viewer."""

    text: str
    kind: str = ""
    id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """`older` is the cursor of the page before this one, None at the beginning of the log."""

    rows: tuple[AuditEvent, ...]
    names: Mapping[uuid.UUID, Named] = field(default_factory=dict)
    older: uuid.UUID | None = None


def audit_page(
    viewer: Viewer, wanted: AuditFilter, *, before: uuid.UUID | None = None, limit: int = 50
) -> AuditPage:
    """Newest first. Names are those that the viewer may know: what was said in somebody's own mailbox has none."""
    rows = AuditEvent.objects.order_by("-id")
    if wanted.actor == KITH:
        rows = rows.filter(actor_id=None)
    elif actor := as_uuid(wanted.actor):
        rows = rows.filter(actor_id=actor)
    if wanted.actions:
        rows = rows.filter(action__in=wanted.actions)
    if wanted.subject_id:
        rows = rows.filter(subject_id=wanted.subject_id)
    # Ids sort by time and have an index; the column of times has none.
    if wanted.since:
        rows = rows.filter(id__gte=id_for_time(wanted.since))
    if wanted.until:
        rows = rows.filter(id__lt=id_for_time(wanted.until))
    if before:
        rows = rows.filter(id__lt=before)
    found = list(rows[: limit + 1])
    shown = tuple(found[:limit])
    return AuditPage(shown, _names(viewer, shown), shown[-1].id if len(found) > limit else None)


def ids_in(value: Any) -> Iterable[uuid.UUID]:
    """Every id that a detail holds, however deep."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from ids_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from ids_in(inner)
    elif isinstance(value, str) and len(value) == 36 and (key := as_uuid(value)):
        yield key


def _names(viewer: Viewer, rows: Iterable[AuditEvent]) -> dict[uuid.UUID, Named]:
    subjects: dict[str, set[uuid.UUID]] = {}
    told: set[uuid.UUID] = set()
    for row in rows:
        if row.subject_id:
            subjects.setdefault(row.subject_kind, set()).add(row.subject_id)
        told.update(ids_in(row.details))

    def both(kind: str) -> set[uuid.UUID]:
        return told | subjects.get(kind, set())

    names: dict[uuid.UUID, Named] = {}
    for user in User.objects.filter(pk__in=both("user")).only("name"):
        names[user.pk] = Named(user.name, "user", user.pk)
    for team in Team.objects.filter(pk__in=both("team")).only("name"):
        names[team.pk] = Named(team.name, "team", team.pk)
    names |= _people(both("contact"))
    for company in Organization.objects.filter(pk__in=both("organization")).only("name"):
        names[company.pk] = Named(company.name, "organization", company.pk)
    for account in ChannelAccount.objects.filter(pk__in=both("channel_account")).only("name", "address"):
        names[account.pk] = Named(account.name or account.address, "channel_account", account.pk)
    if wanted := both("identity"):
        for identity in identities_seen(viewer).filter(pk__in=wanted):
            text = identity.handle or identity.display_name or identity.external_id
            names[identity.pk] = Named(text, "contact" if identity.contact_id else "", identity.contact_id)
    for task in Task.objects.filter(pk__in=subjects.get("task", ())).select_related("contact"):
        if viewer.sees(task.scope_id):
            names[task.pk] = Named(task.title, "contact" if task.contact_id else "", task.contact_id)
    return names | _talks(viewer, subjects.get("conversation", set()), subjects.get("message", set()))


def _people(ids: set[uuid.UUID]) -> dict[uuid.UUID, Named]:
    """A merged contact's own name is read from its own facts: its columns belong to whom it is read as."""
    rows = list(Contact.objects.filter(pk__in=ids).only("name", "preferred_name", "deleted_at", "canonical"))
    merged = [row.pk for row in rows if row.canonical_id != row.pk]
    own: dict[uuid.UUID, str] = {}
    if merged:
        facts = Fact.objects.filter(
            contact_id__in=merged, attribute__in=["name", "given_name"], retracted_at=None, scope_id=None
        )
        own = {fact.contact_id: str(fact.value) for fact in facts.order_by("attribute", "id")}
    return {
        row.pk: Named(text, "" if row.deleted_at else "contact", row.pk)
        for row in rows
        if (text := own.get(row.pk) or row.name or row.preferred_name)
    }


def _talks(viewer: Viewer, conversations: set[uuid.UUID], messages: set[uuid.UUID]) -> dict[uuid.UUID, Named]:
    """Conversations by their subject, messages by their conversation's."""
    copies = MessageCopy.objects.filter(message__in=messages, scope_id__in=viewer.scope_ids)
    of_message = dict(copies.values_list("message_id", "thread__conversation_id"))
    wanted = conversations | set(of_message.values())
    if not wanted:
        return {}
    rows = ConversationScope.objects.filter(conversation_id__in=wanted, scope_id__in=viewer.scope_ids)
    names = {
        row.conversation_id: Named(row.subject or row.snippet, "conversation", row.conversation_id)
        for row in rows.only("conversation_id", "subject", "snippet").order_by("last_at")
    }
    return names | {key: names[talk] for key, talk in of_message.items() if talk in names}
