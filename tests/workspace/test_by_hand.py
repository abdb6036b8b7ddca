"""Calls and letters: the gate is asked as for anything else, but no address of ours is used."""

from __future__ import annotations

import pytest

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.contacts.services import contact_create
from kith.trust.models import ContactPolicy
from kith.trust.services import situation_open_case
from kith.workspace.by_hand import ByHand, by_hand_verdict
from tests.support.cast import cast_make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ["call", "letter"])
def test_a_mail_that_came_back_holds_no_call_and_no_letter(kind: str) -> None:
    """It is why one calls."""
    ContactPolicy.objects.create(text='[quiet]\nfrom = "00:00"\nuntil = "00:00"\n')
    cast = cast_make()
    ada = contact_create(name="Ada")
    one = Identity.objects.create(
        network="email", external_id="ada@x.example", handle="ada@x.example", contact=ada, bounced_at=now()
    )
    situation_open_case(identity_ids=[one.pk], case="normal")
    verdict = by_hand_verdict(cast.olga, ByHand(ada.pk, kind))
    assert (verdict.outcome, verdict.rule) == ("allow", "plain")
