"""What colleagues write down of consent, and take back: never does it outweigh what people themselves said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.contacts.services import contact_for_identity, identity_link
from kith.teams.models import User
from kith.trust.models import Consent, Objection
from kith.trust.services import Proof, TouchRequest, consent_record, gate_preview, topic_save, unsubscribe
from kith.trust.services.by_colleagues import (
    Said,
    consent_note,
    consent_take_back,
    objection_note,
    objection_note_end,
)
from kith.trust.services.suppressions import TrustError
from tests.support import house

pytestmark = pytest.mark.django_db
TODAY = Said("talk", "Yes, please send me that", now().date())
VISIT = Proof("visit", "their own words")


@pytest.fixture
def mara(db: None) -> User:
    topic_save(name="News")
    return house.user()


@pytest.fixture
def two(mara: User) -> tuple[Identity, Identity]:
    """Two addresses of one person."""
    rows = [
        Identity.objects.create(
            network="email", external_id=f"{n}@outside.example", handle=f"{n}@outside.example"
        )
        for n in ("a", "b")
    ]
    contact = contact_for_identity(identity=rows[0])
    identity_link(identity=rows[1], contact=contact, basis="by_hand")
    return rows[0], rows[1]


def rule(identity: Identity) -> str:
    return gate_preview(
        TouchRequest("campaign", "email", "email", (identity.pk,), purpose="news", urgent=True)
    ).rule


def note(
    identity: Identity, user: User, *, agrees: bool, purpose: str = "news", said: Said = TODAY
) -> Consent:
    return consent_note(
        identity_id=identity.pk, purpose=purpose, channel="email", agrees=agrees, said=said, user=user
    )


def test_taking_back_a_no_brings_back_nothing_that_another_address_ended(
    two: tuple[Identity, Identity], mara: User
) -> None:
    a, b = two
    unsubscribe(identity_id=b.pk, channel="email", proof=VISIT)
    slip = note(a, mara, agrees=False, purpose="all")
    assert not consent_take_back(consent=slip, user=mara)
    assert rule(a) == "unsubscribed"


def test_taking_back_a_no_does_not_renew_an_old_yes(two: tuple[Identity, Identity], mara: User) -> None:
    a, b = two
    consent_record(identity_id=a.pk, purpose="news", channel="email", status="given", proof=VISIT)
    consent_record(identity_id=b.pk, purpose="news", channel="email", status="withdrawn", proof=VISIT)
    assert rule(a) == "consent_withdrawn"
    slip = note(a, mara, agrees=False)
    assert not consent_take_back(consent=slip, user=mara)
    assert rule(a) == "consent_withdrawn"


def test_taking_back_a_yes_takes_it_back_where_they_were_only_asked(
    two: tuple[Identity, Identity], mara: User
) -> None:
    a, _b = two
    consent_record(identity_id=a.pk, purpose="news", channel="email", status="asked", proof=VISIT)
    slip = note(a, mara, agrees=True)
    assert rule(a) not in ("consent_missing", "consent_withdrawn")
    assert consent_take_back(consent=slip, user=mara)
    assert rule(a) == "consent_withdrawn"


def test_a_slip_that_hurts_nobody_is_taken_back(two: tuple[Identity, Identity], mara: User) -> None:
    a, _b = two
    consent_record(identity_id=a.pk, purpose="news", channel="email", status="given", proof=VISIT)
    before = rule(a)
    slip = note(a, mara, agrees=False)
    assert rule(a) == "consent_withdrawn"
    assert consent_take_back(consent=slip, user=mara)
    assert rule(a) == before
    slip = note(two[1], mara, agrees=True)
    assert consent_take_back(consent=slip, user=mara)
    assert rule(two[1]) == "consent_missing"


def test_an_old_yes_does_not_undo_a_newer_no(two: tuple[Identity, Identity], mara: User) -> None:
    a, b = two
    old = Said("paper", "I want the news", (now() - timedelta(days=900)).date())
    consent_record(identity_id=b.pk, purpose="news", channel="email", status="withdrawn", proof=VISIT)
    with pytest.raises(TrustError) as refused:
        note(a, mara, agrees=True, said=old)
    assert refused.value.field == "on"
    assert not Consent.objects.filter(status="given").exists()
    note(a, mara, agrees=True)  # today they changed their mind


def test_how_an_objection_ended_is_kept(two: tuple[Identity, Identity], mara: User) -> None:
    a, _b = two
    objection_note(identity_id=a.pk, said=TODAY, user=mara)
    assert objection_note_end(identity_id=a.pk, purpose="selling", said=TODAY, user=mara)
    row = Objection.objects.get()
    assert row.ended_at is not None
    assert row.proof["ended"]["text"] == TODAY.words
