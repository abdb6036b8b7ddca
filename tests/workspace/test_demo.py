"""The demo company is one that can be believed in, and looks the same every time."""

from __future__ import annotations

import pytest

from kith.contacts.models import Contact, Identity
from kith.conversations.models import ConversationScope, Message
from kith.networks.models import ChannelAccount
from kith.workspace.demo import build, is_built

pytestmark = pytest.mark.django_db


def test_the_demo_has_people_messages_and_something_to_do() -> None:
    build(lambda _: None)
    build(lambda _: None)
    assert is_built()
    assert 190 <= Contact.objects.count() <= 230
    assert 1800 <= Message.objects.count() <= 2600
    assert set(Message.objects.values_list("language", flat=True)) >= {"en", "de", "es"}
    assert all(a.settings["simulated"] for a in ChannelAccount.objects.all())
    waiting = ConversationScope.objects.filter(status="open", waiting_since__isnull=False)
    assert 6 <= waiting.count() <= 40
    steve = Identity.objects.get(external_id="steve@markey.example").contact
    assert steve is not None
    assert steve.preferred_name == "Steve"
    assert steve.promises.count() == 3
    assert Contact.objects.get(given_name="Margaret").touches.count() == 38
    assert Contact.objects.get(given_name="Stphn").name_confidence < 0.5
