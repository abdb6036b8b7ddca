"""A phone call or a letter of ours: the gate is asked before, and what was done is written down and counted."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from kith.contacts.selectors import first_identity
from kith.core import audit
from kith.teams.models import User
from kith.teams.selectors import viewer_of
from kith.trust.services import (
    GateRefused,
    TouchRequest,
    TrustError,
    gate_preview,
    touch_request,
    touches_made,
)
from kith.trust.types import Channel, Verdict
from kith.work.models import Note
from kith.work.services import note_write

CHANNELS: dict[str, Channel] = {Note.Kind.CALL: "phone", Note.Kind.LETTER: "letter"}


@dataclass(frozen=True, slots=True)
class ByHand:
    """What somebody is about to do. `kind`: call or letter; `purpose`: "service", or the key of a topic (an offer)."""

    contact_id: uuid.UUID
    kind: str
    purpose: str = "service"
    urgent: bool = False


def by_hand_verdict(user: User, wanted: ByHand) -> Verdict:
    """What the gate says to it now. Raises TrustError where nothing of theirs is known."""
    return gate_preview(_request(user, wanted, None))


@transaction.atomic
def by_hand_done(
    user: User, wanted: ByHand, *, text: str, scope_id: uuid.UUID | None = None, reason: str = ""
) -> Note:
    """Write down a call or letter as done: a note, and a touch in the ledger. Raises GateRefused with what stands against it.

    `reason`: a person who may goes ahead with what is held, and says why.
    """
    note = note_write(
        viewer_of(user), contact_id=wanted.contact_id, kind=wanted.kind, text=text, scope_id=scope_id
    )
    result = touch_request(_request(user, wanted, note.pk, title=text), override_reason=reason)
    if not result.allowed:
        raise GateRefused(result.verdict)
    touches_made(result.touch_ids)
    audit.record("contacted_by_hand", "contact", wanted.contact_id, kind=wanted.kind)
    return note


def _request(user: User, wanted: ByHand, subject: uuid.UUID | None, *, title: str = "") -> TouchRequest:
    if wanted.kind not in CHANNELS:
        raise TrustError(_("This is neither a call nor a letter."), field="kind")
    team = user.teams.exclude(division=None).first()
    identity = first_identity(wanted.contact_id)
    if identity is None:
        raise TrustError(_("No address of theirs is known."))
    return TouchRequest(
        kind="outreach",
        channel=CHANNELS[wanted.kind],
        network="",
        identity_ids=(identity.pk,),
        subject_id=subject,
        purpose=wanted.purpose,
        urgent=wanted.urgent,
        user=user,
        division_id=team.division_id if team else None,
        title=title,
    )
