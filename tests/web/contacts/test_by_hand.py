"""A call or a letter passes the gate before, and counts in the ledger after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_create, contact_for_identity
from kith.trust.models import Decision, Touch
from kith.trust.services import suppression_add
from kith.work.models import Note
from tests.support.cast import NOON, Cast, cast_make, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: object) -> Cast:
    return cast_make()


@pytest.fixture
def carl(cast: Cast) -> Client:
    return client_of(cast.carl)


@pytest.fixture
def ada(cast: Cast) -> Contact:
    cast.mail(cast.everyone, at=NOON - timedelta(days=60))
    return contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    _at(monkeypatch, 12)


def _at(monkeypatch: pytest.MonkeyPatch, hour: int) -> None:
    monkeypatch.setattr("kith.trust.services.gate.now", lambda: datetime(2026, 11, 3, hour, tzinfo=UTC))


def test_a_call_about_their_own_matter_is_written_down_and_is_no_offer(
    carl: Client, ada: Contact, noon: None
) -> None:
    page = carl.get(f"/people/{ada.pk}/by-hand/").content.decode()
    assert "Nothing speaks against it." in page
    done = carl.post(f"/people/{ada.pk}/by-hand/done/", {"kind": "call", "text": "The bell rings again."})
    assert "HX-Redirect" in done.headers
    note = Note.objects.get()
    touch = Touch.objects.get(subject_id=note.pk)
    assert (note.kind, touch.kind, touch.channel, touch.state) == ("call", "transactional", "phone", "made")


def test_at_night_it_is_held_until_morning_unless_it_is_urgent(
    carl: Client, ada: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(monkeypatch, 23)
    said = carl.get(f"/people/{ada.pk}/by-hand/verdict/?kind=call").content.decode()
    assert "It is night where they live." in said
    assert "Why it may go all the same" in said
    refused = carl.post(f"/people/{ada.pk}/by-hand/done/", {"kind": "call", "text": "Hello"})
    assert "It is night" in refused.content.decode()
    assert not Note.objects.exists()
    assert not Touch.objects.exists()
    letter = carl.get(f"/people/{ada.pk}/by-hand/verdict/?kind=letter").content.decode()
    assert "Nothing speaks against it." in letter
    carl.post(f"/people/{ada.pk}/by-hand/done/", {"kind": "call", "text": "Fire!", "urgent": "on"})
    assert Note.objects.count() == 1
    reason = {"kind": "call", "text": "He asked for it", "reason": "he is in another zone today"}
    carl.post(f"/people/{ada.pk}/by-hand/done/", reason)
    assert Decision.objects.filter(override_reason="he is in another zone today").exists()


def test_an_offer_by_phone_counts_with_all_others(carl: Client, cast: Cast, ada: Contact, noon: None) -> None:
    offer = {"kind": "call", "text": "Offered", "purpose": "offers"}
    cold = carl.post(f"/people/{ada.pk}/by-hand/done/", offer)
    assert "neither agreed to offers here" in cold.content.decode()
    carl.post(f"/people/{ada.pk}/by-hand/done/", {**offer, "reason": "she asked at the fair"})
    assert Touch.objects.get().kind == "outreach"
    line = carl.get(f"/people/{ada.pk}/by-hand/verdict/?kind=letter&purpose=offers").content.decode()
    assert "The most is 1" in line
    assert "A manager may allow it." in line


def test_never_contact_holds_for_the_phone_too(carl: Client, ada: Contact, noon: None) -> None:
    suppression_add(network="email", address="ada@outside.example")
    refused = carl.post(f"/people/{ada.pk}/by-hand/done/", {"kind": "call", "text": "Hello", "reason": "x"})
    assert "never to be contacted" in refused.content.decode()


def test_of_somebody_without_an_address_the_gate_knows_nothing(carl: Client, cast: Cast) -> None:
    nobody = contact_create(name="Nobody")
    assert "No address of theirs is known." in carl.get(f"/people/{nobody.pk}/by-hand/").content.decode()
