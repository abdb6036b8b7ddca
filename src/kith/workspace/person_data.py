"""What is kept about one person, by the registry that every room fills (`core.registry`): the rows, and who may see them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db.models import Model, Q, QuerySet

from kith.campaigns.models import Mailing
from kith.contacts.models import Contact, Identity
from kith.conversations.models import MessageCopy
from kith.core.registry import Kept
from kith.teams.types import Viewer
from kith.work.models import Note

ABOUT_THEM = ("link_identity", "infer")
OUTSIDE_ROLES = ("from", "sender", "to", "cc", "bcc", "member")
READINGS = ("understanding.Annotation", "understanding.Correction", "understanding.Check")


@dataclass(frozen=True, slots=True)
class Person:
    """A person's ids: of the contact with all that were merged into it, and of their identities."""

    contact_ids: tuple[uuid.UUID, ...]
    identity_ids: tuple[uuid.UUID, ...]


def person_of(contact_id: uuid.UUID) -> Person:
    contacts = tuple(
        Contact.objects.filter(canonical__aliases=contact_id).values_list("pk", flat=True).distinct()
    )
    identities = Identity.objects.filter(contact_id__in=contacts).exclude(kind=Identity.Kind.US)
    return Person(contacts, tuple(identities.values_list("pk", flat=True)))


def rows_of(person: Person, row: Kept) -> QuerySet[Model]:
    """The rows of one model that are about a person; messages to them too, not only those from them."""
    model: type[Model] = row.model
    walk = model
    for step in row.path.split("__") if row.path else []:
        walk = walk._meta.get_field(step).related_model  # type: ignore[assignment]
    ids = person.contact_ids if walk is Contact else person.identity_ids
    mine = Q(**{f"{row.path}__in" if row.path else "pk__in": ids})
    if row.path.startswith("identity__contact"):
        mine |= Q(identity__in=person.identity_ids)
    if row.path in ("contact", "") and model is Identity:
        mine = Q(pk__in=person.identity_ids)
    if model._meta.label == "conversations.Message":
        mine |= Q(participants__identity__in=person.identity_ids, participants__role__in=OUTSIDE_ROLES)
    if model._meta.label in ("conversations.Attachment", *READINGS):
        mine |= Q(
            message__participants__identity__in=person.identity_ids,
            message__participants__role__in=OUTSIDE_ROLES,
        )
    if model._meta.label == "channels.Delivery":  # of what we wrote to them
        mine |= Q(message__participants__identity__in=person.identity_ids)
    if model._meta.label == "contacts.Merge":
        mine |= Q(loser__in=person.contact_ids)
    return model._default_manager.filter(mine).distinct()


# How a row shows who may see it. A model that is exported stands here or in OPEN; a test holds that.
_BY_MESSAGE = "message__copies__scope_id__in"
SCOPED = {
    "conversations.Message": "copies__scope_id__in",
    "conversations.Attachment": _BY_MESSAGE,
    "conversations.Participant": _BY_MESSAGE,
    "conversations.Reaction": _BY_MESSAGE,
    "conversations.Conversation": "threads__scope_id__in",
    "conversations.Thread": "scope_id__in",
    "conversations.ConversationTag": "conversation__threads__scope_id__in",
    "conversations.ConversationLogEntry": "conversation__threads__scope_id__in",
    "conversations.Post": "scope_id__in",
    "listening.Mention": "monitor__scope_id__in",
    **dict.fromkeys(READINGS, _BY_MESSAGE),
    "contacts.Fact": "scope_id__in",
    "campaigns.Recipient": "mailing__account__scope_id__in",
    "work.Task": "scope_id__in",
    "work.Note": "scope_id__in",
    "work.Promise": "scope_id__in",
}
OPEN = frozenset(
    [
        "contacts.Contact",
        "contacts.Identity",
        "contacts.IdentityHandle",
        "contacts.IdentityLink",
        "contacts.Merge",
        "contacts.Affiliation",
        "contacts.Relationship",
        "contacts.ContactTag",
        "contacts.TagSetAside",
        "trust.Consent",
        "trust.Objection",
        "trust.Preference",
        "trust.Invitation",
        "trust.Touch",
        "trust.Decision",
        "trust.Situation",
        "channels.ChatVisitor",
        "workspace.LegalHold",
    ]
)


def visible_rows(viewer: Viewer, rows: QuerySet[Model], label: str) -> QuerySet[Model]:
    """Those that the viewer may see: an export shows nothing that its asker could not have opened (law 11)."""
    if label in ("trust.Touch", "trust.Decision"):
        return rows.filter(_touch_seen(viewer, "" if label == "trust.Touch" else "touch__"))
    path = SCOPED.get(label, "")
    if not path:
        return rows
    allowed = Q(**{path: list(viewer.scope_ids)})
    if path == "scope_id__in" and label != "conversations.Thread":
        allowed |= Q(scope_id=None)
    return rows.filter(allowed).distinct()


def _touch_seen(viewer: Viewer, way: str) -> Q:
    """A touch is seen by who sees what it is about: its message, its note, the mailbox of its mailing; a conclusion or a link is
    about the person, and what has no subject at all (a code that was asked for, a confirmation) is nobody's own."""
    scopes = list(viewer.scope_ids)
    messages = MessageCopy.objects.filter(scope_id__in=scopes).values("message_id")
    notes = Note.objects.filter(Q(scope_id=None) | Q(scope_id__in=scopes)).values("pk")
    mailings = Mailing.objects.filter(account__scope_id__in=scopes).values("pk")
    return (
        Q(**{f"{way}subject_id__in": messages})
        | Q(**{f"{way}subject_id__in": notes})
        | Q(**{f"{way}kind__in": ABOUT_THEM})
        | Q(**{f"{way}subject_id": None, f"{way}mailing_id__in": mailings})
        | Q(**{f"{way}subject_id": None, f"{way}mailing_id": None})
    )
