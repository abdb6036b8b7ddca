"""What people allow, withdraw and wish, each with its proof. Whatever is said twice is written once.

Consent is a log: a row is added where something changes, none is changed. `Proof` says what was shown to whom, when, where
and how, so that each row can be shown as a receipt (`trust.receipts`).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.text import clean
from kith.contacts.models import Identity
from kith.core import audit
from kith.teams.models import User
from kith.trust.models import Consent, Objection, Preference, Topic
from kith.trust.services.suppressions import TrustError

CHANNELS = ("email", "sms", "phone", "letter", "direct")
LONGEST_PAUSE = timedelta(days=366)
PER_MONTH = (None, 2, 1)


@dataclass(frozen=True, slots=True)
class Proof:
    """How somebody said it. `method`: "one_click", "page", "double_opt_in", "visit", "answer" or "colleague"."""

    method: str
    text: str = ""  # what was shown, word for word
    language: str = ""
    place: str = ""  # the address of the page, or the id of the message
    address: str = ""  # the network address of who said it
    agent: str = ""
    more: tuple[tuple[str, str], ...] = ()

    def kept(self) -> dict[str, str]:
        """As JSON; what is not known is left out."""
        told = {
            "method": self.method,
            "text": self.text,
            "language": self.language,
            "place": self.place[:500],
            "address": self.address[:64],
            "agent": self.agent[:300],
            **dict(self.more),
        }
        return {key: clean(value) for key, value in told.items() if value}


def identity_lock(identity_id: uuid.UUID) -> None:
    """Two clicks at once are one after the other."""
    Identity.objects.select_for_update().filter(pk=identity_id).values_list("pk").get()


def _newest(identity_id: uuid.UUID, purpose: str, channel: str) -> Consent | None:
    rows = Consent.objects.filter(identity_id=identity_id, purpose=purpose, channel=channel)
    return rows.order_by("-given_at", "-id").first()


def _overruled(row: Consent) -> bool:
    """Whether another address of the same person withdrew since what this one allows."""
    if row.status not in (Consent.Status.GIVEN, Consent.Status.LIFTED):
        return False
    person = Identity.objects.filter(pk=row.identity_id).values("contact__canonical_id")
    return (
        Consent.objects.filter(
            identity__contact__canonical_id__in=person,
            purpose=row.purpose,
            channel=row.channel,
            status=Consent.Status.WITHDRAWN,
            given_at__gte=row.given_at,
        )
        .exclude(identity_id=row.identity_id)
        .exists()
    )


def consent_record(
    *,
    identity_id: uuid.UUID,
    purpose: str,
    channel: str,
    status: str,
    proof: Proof,
    user: User | None = None,
) -> Consent:
    """Write down what somebody said of one purpose on one channel; what stands already is not written again.

    To be asked again changes nothing for who has agreed. Raises TrustError for what is no purpose, channel or status.
    """
    if status not in Consent.Status.values or channel not in (*CHANNELS, "all") or not purpose.strip():
        raise TrustError(_("This is no choice that can be kept."))
    with transaction.atomic():
        identity_lock(identity_id)
        before = _newest(identity_id, purpose, channel)
        if before is not None and (
            (before.status == status and not _overruled(before))
            or (status == Consent.Status.ASKED and before.status == Consent.Status.GIVEN)
        ):
            return before
        moment = now()
        if before is not None and before.given_at >= moment:
            moment = before.given_at + timedelta(microseconds=1)  # a clock that was set back
        made = Consent.objects.create(
            identity_id=identity_id,
            purpose=purpose[:60],
            channel=channel,
            status=status,
            proof=proof.kept(),
            given_at=moment,
            recorded_by=user,
        )
        if user is not None:
            audit.record(
                "consent_recorded",
                "identity",
                identity_id,
                purpose=purpose,
                channel=channel,
                status=status,
            )
    return made


def unsubscribe(
    *, identity_id: uuid.UUID, channel: str, proof: Proof, purpose: str = "all", user: User | None = None
) -> Consent:
    """No more of `purpose` ("all": of anything that sells) on a channel, from this moment on, queued messages included."""
    return consent_record(
        identity_id=identity_id,
        purpose=purpose,
        channel=channel,
        status=Consent.Status.WITHDRAWN,
        proof=proof,
        user=user,
    )


@transaction.atomic
def resubscribe(
    *,
    identity_id: uuid.UUID,
    channel: str,
    proof: Proof,
    topics: Collection[str],
    left: Collection[str] = (),
    user: User | None = None,
) -> None:
    """These topics, those `left` as they are, and no others: the rest is withdrawn by name, so that the end of "nothing at
    all" brings nothing back."""
    identity_lock(identity_id)
    known = set(Topic.objects.values_list("key", flat=True)) - set(left)
    if unknown := set(topics) - known:
        raise TrustError(_("There is no such topic: %s.") % ", ".join(sorted(unknown)))
    for key in sorted(known):
        status = Consent.Status.GIVEN if key in topics else Consent.Status.WITHDRAWN
        consent_record(
            identity_id=identity_id, purpose=key, channel=channel, status=status, proof=proof, user=user
        )
    if not topics:
        return
    if _withdrawn(identity_id, "all"):  # on every channel: now on every other one
        for other in CHANNELS:
            if other != channel:
                unsubscribe(identity_id=identity_id, channel=other, proof=proof, user=user)
        _lift(identity_id, "all", proof, user)
    # Always, as another address of the same person may have withdrawn.
    _lift(identity_id, channel, proof, user)


def _withdrawn(identity_id: uuid.UUID, channel: str) -> bool:
    standing = _newest(identity_id, "all", channel)
    return standing is not None and standing.status == Consent.Status.WITHDRAWN


def _lift(identity_id: uuid.UUID, channel: str, proof: Proof, user: User | None) -> None:
    consent_record(
        identity_id=identity_id,
        purpose="all",
        channel=channel,
        status=Consent.Status.LIFTED,
        proof=proof,
        user=user,
    )


@transaction.atomic
def stop_channels(
    *, identity_id: uuid.UUID, stopped: Collection[str], offered: Collection[str], proof: Proof
) -> None:
    """Of the channels that were offered: those `stopped` sell nothing any more, the others may again."""
    for channel in sorted(offered):
        if channel in stopped:
            unsubscribe(identity_id=identity_id, channel=channel, proof=proof)
            continue
        if _withdrawn(identity_id, channel):
            _lift(identity_id, channel, proof, None)


def objection_record(
    *, identity_id: uuid.UUID, proof: Proof, purpose: str = "selling", user: User | None = None
) -> Objection:
    """They object to a purpose (by default: to all selling) until they end it."""
    with transaction.atomic():
        identity_lock(identity_id)
        found, made = Objection.objects.get_or_create(
            identity_id=identity_id,
            purpose=purpose[:60],
            ended_at=None,
            defaults={"proof": proof.kept(), "made_at": now()},
        )
        if made and user is not None:
            audit.record("objection_recorded", "identity", identity_id, purpose=purpose)
    return found


def objection_end(
    *, identity_id: uuid.UUID, purpose: str = "selling", proof: Proof | None = None, user: User | None = None
) -> bool:
    """They object no more, and how they said so; whether they did object."""
    with transaction.atomic():
        rows = Objection.objects.select_for_update().filter(
            identity_id=identity_id, purpose=purpose, ended_at=None
        )
        ended = False
        for row in rows:
            row.ended_at, ended = now(), True
            if proof is not None:
                row.proof = {**row.proof, "ended": proof.kept()}
            row.save(update_fields=["ended_at", "proof"])
        if ended and user is not None:
            audit.record("objection_ended", "identity", identity_id, purpose=purpose)
    return ended


def pause_set(*, identity_id: uuid.UUID, until: datetime | None, user: User | None = None) -> None:
    """No offers until a day, a year ahead at the most; None ends a pause."""
    moment = now()
    if until is not None:
        until = min(until, moment + LONGEST_PAUSE)
        if until <= moment:
            raise TrustError(_("This day is over."), field="until")
    _wish(identity_id, {"paused_until": until}, user)


def wish_set(*, identity_id: uuid.UUID, per_month: int | None, user: User | None = None) -> None:
    """At most so many offers in a month; None leaves it to the company's own pace."""
    if per_month is not None and not 0 <= per_month <= 31:
        raise TrustError(_("Choose how often."), field="per_month")
    _wish(identity_id, {"per_month": per_month}, user)


def _wish(identity_id: uuid.UUID, values: Mapping[str, Any], user: User | None) -> None:
    with transaction.atomic():
        identity_lock(identity_id)
        before = Preference.objects.filter(pk=identity_id).first()
        if before is None and not any(value is not None for value in values.values()):
            return
        if before is not None and all(getattr(before, name) == value for name, value in values.items()):
            return
        Preference.objects.update_or_create(identity_id=identity_id, defaults=dict(values))
        if user is not None:
            audit.record("wish_recorded", "identity", identity_id, what=sorted(values))
