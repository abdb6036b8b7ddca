"""What people say to colleagues of consent, objection and wishes: written down with how, when and in which words.

A yes without its words, its day and its way is no proof, and is not kept. Whoever slipped takes it back within ten minutes:
a row is added that says again what stood before, for the log is only added to.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.core import audit
from kith.teams.errors import NotAllowed
from kith.teams.models import User
from kith.trust.models import Consent, Objection
from kith.trust.services.consents import (
    CHANNELS,
    Proof,
    consent_record,
    identity_lock,
    objection_end,
    objection_record,
)
from kith.trust.services.suppressions import SLIP, TrustError

WAYS = ("talk", "phone", "paper", "message", "form", "other")


@dataclass(frozen=True, slots=True)
class Said:
    """`way`: one of WAYS; `on`: the day on which they said it; `words`: theirs, or those that they signed."""

    way: str
    words: str
    on: date | None

    def proof(self, *, needed: bool) -> Proof:
        """Raises TrustError, which blames "way", "words" or "on", where it is no proof and one is needed."""
        words = " ".join(self.words.split())[:2000]
        if self.way not in WAYS:
            raise TrustError(_("Say how they said it."), field="way")
        if needed and len(words) < 3:
            raise TrustError(
                _("Write down the words that they agreed to: without them it is no proof."), field="words"
            )
        if needed and self.on is None:
            raise TrustError(_("Say on which day they agreed: without it, it is no proof."), field="on")
        if self.on is not None and self.on > localdate(now()):
            raise TrustError(_("This day is still to come."), field="on")
        more = (("way", self.way), *([("said_on", self.on.isoformat())] if self.on else []))
        return Proof(method="colleague", text=words, more=more)


def consent_note(
    *, identity_id: uuid.UUID, purpose: str, channel: str, agrees: bool, said: Said, user: User
) -> Consent:
    """They agreed to a purpose on a channel, or want no more of it. Raises NotAllowed, or TrustError."""
    _may(user)
    if channel not in CHANNELS:
        raise TrustError(_("This is no choice that can be kept."), field="place")
    if agrees and purpose == "all":
        raise TrustError(_("Choose what they agreed to: a yes to everything is no consent."), field="purpose")
    proof = said.proof(needed=agrees)
    if agrees and said.on is not None:
        asked = Consent(identity_id=identity_id, purpose=purpose, channel=channel)
        later = [row for row in _withdrawals(asked, own=True) if localdate(row.given_at) > said.on]
        if later:
            raise TrustError(
                _("They withdrew this on %(day)s, after that day. An older yes does not undo it.")
                % {"day": date_format(localdate(later[0].given_at))},
                field="on",
            )
    return consent_record(
        identity_id=identity_id,
        purpose=purpose,
        channel=channel,
        status=Consent.Status.GIVEN if agrees else Consent.Status.WITHDRAWN,
        proof=proof,
        user=user,
    )


@transaction.atomic
def consent_take_back(*, consent: Consent, user: User) -> bool:
    """The undo of `consent_note`, for whoever just wrote it, while nothing was said since; whether it was taken back."""
    _may(user)
    identity_lock(consent.identity_id)
    rows = list(
        Consent.objects.select_for_update()
        .filter(identity_id=consent.identity_id, purpose=consent.purpose, channel=consent.channel)
        .order_by("-given_at", "-id")[:2]
    )
    if not rows or rows[0].pk != consent.pk or not _just_now(rows[0], user):
        return False
    before = rows[1] if len(rows) > 1 else None
    status = before.status if before else Consent.Status.LIFTED
    if status == Consent.Status.ASKED:
        before, status = None, Consent.Status.WITHDRAWN  # a question is no yes; its link still works
    # What is said again here is dated after what another address of theirs may have withdrawn, and must not outweigh it.
    if status != Consent.Status.WITHDRAWN and _withdrawals(rows[0]):
        if rows[0].status == Consent.Status.WITHDRAWN:
            return False
        before, status = None, Consent.Status.WITHDRAWN
    proof = {**(before.proof if before else {}), "taken_back": str(consent.pk)}
    Consent.objects.create(
        identity_id=consent.identity_id,
        purpose=consent.purpose,
        channel=consent.channel,
        status=status,
        proof=proof,
        given_at=rows[0].given_at + timedelta(microseconds=1),
        recorded_by=user,
    )
    audit.record("consent_taken_back", "identity", consent.identity_id, purpose=consent.purpose)
    return True


def objection_note(*, identity_id: uuid.UUID, said: Said, user: User) -> Objection:
    """They object to everything that sells. Raises NotAllowed, or TrustError."""
    _may(user)
    return objection_record(identity_id=identity_id, proof=said.proof(needed=False), user=user)


def objection_note_end(*, identity_id: uuid.UUID, purpose: str, said: Said, user: User) -> bool:
    """They object no more, in their own words. Raises NotAllowed, or TrustError without them."""
    _may(user)
    proof = said.proof(needed=True)
    return objection_end(identity_id=identity_id, purpose=purpose, proof=proof, user=user)


def _withdrawals(asked: Consent, *, own: bool = False) -> list[Consent]:
    """What stands withdrawn that bears on this, at any address of the person; `own`: by the very same words, too."""
    contact = Identity.objects.filter(pk=asked.identity_id).values("contact__canonical")
    family = Identity.objects.filter(Q(pk=asked.identity_id) | Q(contact__canonical__in=contact))
    rows = (
        Consent.objects.filter(identity__in=family, purpose__in={asked.purpose, "all"})
        .filter(channel__in={asked.channel, "all"})
        .exclude(status=Consent.Status.ASKED)
        .order_by("identity", "purpose", "channel", "-given_at", "-id")
        .distinct("identity", "purpose", "channel")
    )
    mine = (asked.identity_id, asked.purpose, asked.channel)
    return [
        row
        for row in rows
        if row.status == Consent.Status.WITHDRAWN
        and (own or (row.identity_id, row.purpose, row.channel) != mine)
    ]


def _just_now(row: Consent, user: User) -> bool:
    return row.recorded_by_id == user.pk and row.created_at > now() - SLIP and "taken_back" not in row.proof


def _may(user: User) -> None:
    if not user.may_write:
        raise NotAllowed(_("Only those who may write to people may do this."))
