"""At most one automatic answer to a sender in a day, none to machines, none to senders who are not proven."""

from __future__ import annotations

import pytest

from kith.channels.models import Delivery
from kith.channels.simulator import play
from kith.contacts.models import Identity
from kith.conversations.models import Message
from kith.core.events import pump
from kith.networks.models import ChannelAccount
from kith.trust.models import Decision
from tests.support import house

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account() -> ChannelAccount:
    return house.account(acknowledge=True)


def test_a_storm_of_messages_gets_one_automatic_answer(account: ChannelAccount) -> None:
    for number in range(30):
        play(account, sender_id="ada", sender_name="Ada", text=f"Hello {number}")
    pump()
    pump()
    assert Delivery.objects.count() == 1
    assert Message.objects.filter(direction="out").exclude(state="cancelled").count() == 1
    assert set(Decision.objects.filter(outcome="deny").values_list("rule", flat=True)) == {"automatic_daily"}


def test_an_automatic_message_is_not_answered(account: ChannelAccount) -> None:
    play(account, sender_id="ada", sender_name="Ada", text="I am away", automatic="auto_reply")
    pump()
    assert not Delivery.objects.exists()


def test_a_sender_who_is_not_proven_gets_no_automatic_answer(account: ChannelAccount) -> None:
    play(
        account,
        sender_id="x",
        sender_name="x",
        text="Hello",
        **{"from": {"id": "mallory", "name": "Mallory", "verified": "none"}},
    )
    pump()
    assert Identity.objects.filter(external_id="mallory").exists()
    assert not Delivery.objects.exists()
    assert Decision.objects.get().rule == "automatic_forged"


def test_history_is_not_answered(account: ChannelAccount) -> None:
    account.history_until = house.ago(days=-1)
    account.save()
    play(account, sender_id="ada", sender_name="Ada", text="Long ago")
    pump()
    assert not Delivery.objects.exists()
