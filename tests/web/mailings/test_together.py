"""The queue of what is held tells of whom a message waits for, where it goes to several."""

from __future__ import annotations

import pytest
from django.test import Client

from kith.base.clock import now
from kith.channels.compose import Compose
from kith.channels.outbox import message_send
from kith.contacts.models import Identity
from kith.core import company
from kith.trust.models import Consent, ContactPolicy
from kith.trust.services import situation_open_case
from tests.support.cast import cast_make

pytestmark = pytest.mark.django_db


def test_whoever_is_free_waits_for_the_one_who_is_held() -> None:
    company.set_value("name", "Bicycles Ltd")
    cast = cast_make()
    ContactPolicy.objects.create(text='[quiet]\nfrom = "00:00"\nuntil = "00:00"\n')
    whom = [
        Identity.objects.create(network="email", external_id=f"{n}@x.example", handle=f"{n}@x.example")
        for n in ("angry", "free")
    ]
    for one in whom:
        Consent.objects.create(identity=one, purpose="news", channel="email", status="given", given_at=now())
    situation_open_case(identity_ids=[whom[0].pk], case="angry")
    account = next(a for a in cast.accounts.values() if a.scope_id == cast.everyone.pk)
    sent = message_send(
        Compose(
            cast.olga,
            account,
            "Spring!",
            tuple((one.pk, "to") for one in whom),
            kind="campaign",
            purpose="news",
        )
    )
    assert (sent.verdict.outcome, sent.verdict.rule) == ("hold", "open_complaint")
    client = Client()
    client.force_login(cast.olga)
    text = client.get("/held/").content.decode()
    assert text.count("data-held=") == 2
    assert "Waits with somebody else whom it goes to." in text
    assert "Nothing speaks against it." not in text
    assert "you can't send it anyway" not in text
