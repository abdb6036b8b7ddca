"""Never contact: it holds for every address of a person, and is lifted by those who may, with a reason that is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.contacts.selectors import identity_family
from kith.contacts.services import contact_create, contact_for_identity
from kith.core.models import AuditEvent
from kith.teams.errors import NotAllowed
from kith.trust.models import Suppression
from kith.trust.selectors import never_contact
from kith.trust.services import (
    TouchRequest,
    TrustError,
    contact_suppress,
    gate_preview,
    suppression_add,
    suppression_lift,
    suppression_take_back,
)
from tests.support.cast import Cast, cast_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: object) -> Cast:
    return cast_make()


@pytest.fixture
def ada(cast: Cast) -> Contact:
    cast.mail(cast.everyone)
    return contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))


def _verdict(contact: Contact) -> str:
    ids = identity_family(contact_id=contact.pk)
    return gate_preview(TouchRequest("reply", "email", "email", ids, answers_inbound=True)).rule


def test_it_stops_answers_too_and_says_who_said_so_and_why(cast: Cast, ada: Contact) -> None:
    assert _verdict(ada) == "reply"
    assert contact_suppress(contact_id=ada.pk, reason="  stop   it ", user=cast.carl)
    assert not contact_suppress(contact_id=ada.pk, reason="again", user=cast.olga)
    assert _verdict(ada) == "suppressed"
    (row,) = never_contact(identity_family(contact_id=ada.pk))
    assert (row.reason, row.added_by, row.addresses, row.erased) == (
        "stop it",
        "Carl",
        ("ada@outside.example",),
        False,
    )


def test_only_a_manager_lifts_it_and_the_reason_is_kept(cast: Cast, ada: Contact) -> None:
    contact_suppress(contact_id=ada.pk, reason="stop", user=cast.carl)
    with pytest.raises(NotAllowed):
        suppression_lift(contact_id=ada.pk, reason="she asked", user=cast.carl)
    with pytest.raises(TrustError):
        suppression_lift(contact_id=ada.pk, reason=" ", user=cast.olga)
    assert _verdict(ada) == "suppressed"
    assert suppression_lift(contact_id=ada.pk, reason="she asked", user=cast.olga) == 1
    assert _verdict(ada) == "reply"
    row = Suppression.objects.get()
    assert (row.lifted_by, row.lift_reason, row.reason) == (cast.olga, "she asked", "stop")
    told: dict[str, Any] = AuditEvent.objects.get(action="suppression_lifted").details
    assert told["reason"] == "she asked"
    assert AuditEvent.objects.get(action="suppression_added").subject_id == ada.pk


def test_what_an_erasure_left_is_for_administrators(cast: Cast, ada: Contact) -> None:
    suppression_add(network="email", address="ada@outside.example", reason="erased")
    cast.ines.role = "manager"
    with pytest.raises(NotAllowed):
        suppression_lift(contact_id=ada.pk, reason="she asked", user=cast.ines)
    assert never_contact(identity_family(contact_id=ada.pk))[0].erased
    assert suppression_lift(contact_id=ada.pk, reason="she asked", user=cast.olga) == 1


def test_a_slip_is_taken_back_by_whoever_made_it_for_ten_minutes(cast: Cast, ada: Contact) -> None:
    contact_suppress(contact_id=ada.pk, reason="oops", user=cast.carl)
    suppression_take_back(contact_id=ada.pk, user=cast.ines)
    assert _verdict(ada) == "suppressed"
    suppression_take_back(contact_id=ada.pk, user=cast.carl)
    assert _verdict(ada) == "reply"
    contact_suppress(contact_id=ada.pk, reason="now really", user=cast.carl)
    Suppression.objects.filter(lifted_at=None).update(created_at=now() - timedelta(hours=1))
    suppression_take_back(contact_id=ada.pk, user=cast.carl)
    assert _verdict(ada) == "suppressed"


def test_those_who_only_read_and_people_without_an_address_are_refused(cast: Cast, ada: Contact) -> None:
    with pytest.raises(NotAllowed):
        contact_suppress(contact_id=ada.pk, reason="stop", user=cast.pia)
    with pytest.raises(TrustError):
        contact_suppress(contact_id=contact_create(name="Nobody").pk, reason="stop", user=cast.carl)
