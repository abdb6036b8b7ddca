"""Where mails to an address come back, another way to the same person is offered."""

from __future__ import annotations

import pytest

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.contacts.services import contact_create
from kith.policy.file import default_rules
from kith.policy.types import ContactFacts, ProposedTouch
from kith.policy.ways import Way, ways
from kith.trust.advice import OtherWay, gate_advice
from kith.trust.services import TouchRequest
from tests.support.cast import cast_make


def test_the_policy_names_another_channel() -> None:
    notice = ProposedTouch("transactional", "email", actor="person")
    found = ways(notice, ContactFacts(bounced=True), default_rules(), now(), channels=["email", "letter"])
    assert found == (Way("channel", "letter"), Way("approve", by="author"))


@pytest.mark.django_db
def test_whoever_writes_is_offered_another_way() -> None:
    cast = cast_make()
    one = Identity.objects.create(
        network="email", external_id="ada@x.example", handle="ada@x.example", contact=contact_create(name="Ada"),
        bounced_at=now(),
    )  # fmt: skip
    request = TouchRequest("transactional", "email", "email", (one.pk,), user=cast.olga, purpose="service")
    advice = gate_advice(request, others=[OtherWay("m", "Mastodon", "direct", "mastodon")])
    assert advice.verdict.rule == "bounced"
    assert [(step.means, step.value) for step in advice.steps] == [("channel", "m"), ("anyway", "")]
