"""Legal hold: a person, a conversation or a channel of which nothing may go, neither by retention nor by erasure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Contact
from kith.conversations.models import Conversation, ConversationLogEntry, MessageCopy, Participant
from kith.core import audit, sql
from kith.core.jobs import defer
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.workspace.models import AskedDeletion, LegalHold, PersonRequest
from kith.workspace.person_data import Person, person_of


class HoldError(Exception):
    """Why a hold can't be placed or lifted, in the reader's language; `field` is the one to blame."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Held:
    """What is under hold now: conversations and channel accounts, of which every message stays."""

    conversations: frozenset[uuid.UUID] = frozenset()
    accounts: frozenset[uuid.UUID] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.conversations or self.accounts)


def lock() -> None:
    """Until the end of this transaction nothing under hold can go, and no hold be placed while something goes."""
    sql.rows("SELECT pg_advisory_xact_lock(hashtextextended('legal holds', 7))")


# Whoever belonged to them when the hold was placed, or since: neither unlinking an address nor undoing a merge frees anything.
_THEIRS = """
WITH whole AS (
    SELECT h.created_at AS since, own.canonical_id AS root FROM workspace_legalhold h
    JOIN contacts_contact own ON own.id = h.contact_id WHERE h.lifted_at IS NULL
), roots AS (
    SELECT since, root FROM whole
    UNION
    SELECT w.since, loser.canonical_id FROM whole w
    JOIN contacts_contact survivor ON survivor.canonical_id = w.root
    JOIN contacts_merge m ON m.survivor_id = survivor.id AND m.undone_at >= w.since
    JOIN contacts_contact loser ON loser.id = m.loser_id
), family AS (
    SELECT r.since, f.id FROM roots r JOIN contacts_contact f ON f.canonical_id = r.root
), theirs AS (
    SELECT i.id FROM family JOIN contacts_identity i ON i.contact_id = family.id
    UNION
    SELECT l.identity_id FROM family
    JOIN contacts_identitylink l ON l.contact_id = family.id AND l.unlinked_at >= family.since
)
SELECT i.id FROM contacts_identity i JOIN theirs ON theirs.id = i.id WHERE i.kind <> 'us'
"""


def identities_held() -> list[uuid.UUID]:
    """The addresses of people under hold, as they are and as they were since it was placed."""
    return [row[0] for row in sql.rows(_THEIRS)]


def held(identities: list[uuid.UUID] | None = None) -> Held:
    """All holds in force: a person's conversations are held whole, as what others said in them tells what was answered.

    `identities`: those of `identities_held`, where they are known already.
    """
    rows = list(
        LegalHold.objects.filter(lifted_at=None).values_list(
            "contact_id", "conversation_id", "channel_account_id"
        )
    )
    if not rows:
        return Held()
    if identities is None:
        identities = identities_held()
    parts = Participant.objects.filter(identity__in=identities)
    talks = {talk for _contact, talk, _account in rows if talk}
    talks |= set(
        MessageCopy.objects.filter(message__in=parts.values("message")).values_list(
            "thread__conversation_id", flat=True
        )
    )
    talks |= set(Conversation.objects.filter(identity__in=identities).values_list("pk", flat=True))
    return Held(
        conversations=frozenset(_followed(talks)), accounts=frozenset(a for _c, _talk, a in rows if a)
    )


def _followed(talks: set[uuid.UUID]) -> set[uuid.UUID]:
    """With the conversations that they were joined into, and those into which messages of theirs were put."""
    found, new = set(talks), set(talks)
    while new:
        joined = Conversation.objects.filter(pk__in=new).exclude(joined_into=None)
        moved = ConversationLogEntry.objects.filter(
            conversation__in=new, kind__in=("split", "move"), details__undo__to__isnull=False
        ).values_list("details__undo__to", flat=True)
        after = set(joined.values_list("joined_into_id", flat=True)) | {uuid.UUID(str(to)) for to in moved}
        new = {key for key in after if key is not None} - found
        found |= new
    return found


def hold_place(
    *,
    user: User,
    reason: str,
    contact_id: uuid.UUID | None = None,
    conversation_id: uuid.UUID | None = None,
    channel_account_id: uuid.UUID | None = None,
) -> LegalHold:
    """Put one of the three under hold. Raises HoldError where it is already, is being erased, or has no reason."""
    reason = " ".join(reason.split())
    if not reason:
        raise HoldError(
            _("Say why, so that whoever comes after you can tell when it may be lifted."), field="reason"
        )
    with transaction.atomic():
        lock()
        if contact_id:
            contact_id = Contact.objects.values_list("canonical_id", flat=True).get(pk=contact_id)
            erasing = PersonRequest.objects.filter(
                contact_id__in=person_of(contact_id).contact_ids,
                kind=PersonRequest.Kind.ERASURE,
                state="running",
            )
            if erasing.exists():
                raise HoldError(_("This person is being erased at this moment."))
        values = {
            "contact_id": contact_id,
            "conversation_id": conversation_id,
            "channel_account_id": channel_account_id,
        }
        if LegalHold.objects.filter(lifted_at=None, **values).exists():
            raise HoldError(_("This is under legal hold already."))
        made = LegalHold.objects.create(reason=reason[:500], placed_by=user, **values)
        kind = "contact" if contact_id else "conversation" if conversation_id else "channel"
        audit.record(
            "hold_placed", kind, contact_id or conversation_id or channel_account_id, hold=str(made.pk)
        )
    return made


def hold_lift(*, hold_id: uuid.UUID, user: User, reason: str) -> None:
    """Lift a hold; erasures that waited for it go on. Raises HoldError without a reason. Lifting twice does nothing."""
    from kith.workspace.jobs import asked_deletion_run, person_request_run

    reason = " ".join(reason.split())
    if not reason:
        raise HoldError(_("Say why it is lifted."), field="reason")
    with transaction.atomic():
        lock()
        row = LegalHold.objects.select_for_update(of=("self",)).filter(pk=hold_id, lifted_at=None).first()
        if row is None:
            return
        row.lifted_at, row.lifted_by, row.lifted_reason = now(), user, reason[:500]
        row.save(update_fields=["lifted_at", "lifted_by", "lifted_reason"])
        kind = "contact" if row.contact_id else "conversation" if row.conversation_id else "channel"
        audit.record(
            "hold_lifted",
            kind,
            row.contact_id or row.conversation_id or row.channel_account_id,
            hold=str(row.pk),
        )
        waiting = PersonRequest.objects.select_for_update().filter(
            kind=PersonRequest.Kind.ERASURE, state="held"
        )
        for request in waiting:
            request.state, request.error = "waiting", ""
            request.save(update_fields=["state", "error"])
            defer(person_request_run, request_id=str(request.pk))
        for key in AskedDeletion.objects.filter(state="held").values_list("pk", flat=True):
            defer(asked_deletion_run, request_id=str(key))


def erasure_waits(person: Person) -> str:
    """Why a person can't be erased now, in a sentence; "" when nothing is in the way."""
    rows, identities = LegalHold.objects.filter(lifted_at=None), identities_held()
    if rows.filter(contact__in=person.contact_ids).exists() or not set(person.identity_ids).isdisjoint(
        identities
    ):
        return _("This person is under legal hold. The erasure waits until an administrator lifts it.")
    found = held(identities)
    if not found:
        return ""
    theirs = MessageCopy.objects.filter(
        Q(message__sender__in=person.identity_ids)
        | Q(message__participants__identity__in=person.identity_ids)
    ).filter(Q(thread__conversation__in=found.conversations) | Q(channel_account__in=found.accounts))
    if theirs.exists():
        return _(
            "Messages of this person are under legal hold, with a conversation or a channel. "
            "The erasure waits until an administrator lifts it."
        )
    return ""


def request_may_go(request: PersonRequest) -> bool:
    """Whether an erasure may begin, or go on; marks it as held, with the reason, where it may not. Takes `running` at once,
    so that no hold is placed on somebody who is going."""
    with transaction.atomic():
        lock()
        why = erasure_waits(person_of(request.contact_id))
        request.state, request.error = ("held", why[:300]) if why else ("running", "")
        request.save(update_fields=["state", "error"])
    return not why


def on_channel(account: ChannelAccount) -> bool:
    return LegalHold.objects.filter(lifted_at=None, channel_account=account).exists()
