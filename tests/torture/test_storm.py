"""Two houses that answer automatically, and write to each other."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest

from kith.base.clock import frozen, now
from kith.channels.deliver import Claimer, deliver, deliveries_claim
from kith.channels.models import Delivery
from kith.channels.simulator import play
from kith.conversations.models import Message
from kith.core.events import pump
from kith.networks.models import ChannelAccount
from tests.support import house

pytestmark = [pytest.mark.torture, pytest.mark.django_db(transaction=True)]


def automatic(account: ChannelAccount) -> int:
    return Message.objects.filter(
        direction="out", automatic="acknowledgement", state="sent", deliveries__channel_account=account
    ).count()


@pytest.mark.parametrize("marked", [True, False], ids=["says that it is automatic", "does not say so"])
def test_two_automatic_answerers_stop_after_one_answer_each(marked: bool) -> None:
    """Here and there are two channels that know nothing of each other; what one sends, the other receives."""
    here = house.account(
        acknowledge=True, external_id="here", address="here", realm="a", settings={"realm": "a"}
    )
    there = house.account(
        acknowledge=True, external_id="there", address="there", realm="b", settings={"realm": "b"}
    )
    other = {here.pk: there, there.pk: here}
    play(here, sender_id="there", sender_name="There", text="A person asks")
    carried: set[object] = set()
    rounds = 0
    claimer = Claimer.start()
    for hours in range(0, 30, 2):
        with frozen(now() + timedelta(hours=hours)) if hours else mock.MagicMock():
            for _ in range(4):
                rounds += 1
                pump()
                while (delivery := deliveries_claim(claimer)) is not None:
                    deliver(delivery)
                for delivery in Delivery.objects.filter(state="sent").exclude(pk__in=carried):
                    carried.add(delivery.pk)
                    mark = {"automatic": "auto_reply"} if marked else {}
                    play(
                        other[delivery.channel_account_id],
                        sender_id=delivery.channel_account.external_id,
                        sender_name="The other",
                        text=delivery.message.text,
                        **mark,
                    )
            # Whatever happens, they go on writing.
            play(here, sender_id="there", sender_name="There", text=f"Hello? {hours}")
            if hours < 24:
                assert automatic(here) <= 1
                assert automatic(there) <= 1
    assert rounds > 40
    assert automatic(here) == 2, "one on each of two days"
    assert automatic(there) == (0 if marked else 2)
