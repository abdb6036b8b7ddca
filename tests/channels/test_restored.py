"""A restore sends nothing twice: what was due is asked about first (law 6)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kith.base.clock import frozen, now
from kith.channels.deliver import Claimer, deliver, deliveries_claim, orphans_recover
from kith.channels.models import Delivery
from kith.channels.outbox import message_send
from kith.channels.restored import deliveries_doubt
from kith.connectors.contract import FoundSent
from kith.conversations.models import Message
from kith.core.backup import making
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from tests.channels.test_outbox import reply, send_due
from tests.support import house

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara() -> User:
    return house.user()


@pytest.fixture
def account(tmp_path: Path) -> ChannelAccount:
    return house.account(settings={"outbox": str(tmp_path / "out.jsonl")})


def texts(account: ChannelAccount) -> list[str]:
    path = Path(account.settings["outbox"])
    return [json.loads(line)["text"] for line in path.read_text().splitlines()] if path.exists() else []


def test_what_was_sent_after_the_backup_is_not_sent_again(account: ChannelAccount, mara: User) -> None:
    message_send(reply(account, mara, "gone already"))
    message_send(reply(account, mara, "never left"))
    message_send(reply(account, mara, "next week"))
    later = Delivery.objects.order_by("-id")[0]
    Delivery.objects.filter(pk=later.pk).update(not_before=now() + timedelta(days=7))
    first = deliveries_claim(Claimer.start())
    assert first is not None
    deliver(first)
    assert len(texts(account)) == 1
    # the restored backup is of the moment before that
    Delivery.objects.filter(pk=first.pk).update(
        state="queued", sent_at=None, external_id="", claimed_by="", claimed_at=None
    )
    deliveries_doubt(now() - timedelta(hours=5))
    assert deliveries_claim(Claimer.start()) is None, "nothing due is sent before the network was asked"
    orphans_recover(Claimer.start())
    with frozen(now() + timedelta(minutes=5)):
        send_due()
    assert texts(account) == ["gone already", "never left"]
    assert Delivery.objects.get(pk=later.pk).state == "queued"


def test_the_network_is_asked_for_all_it_has_had_since_the_first_claim(
    account: ChannelAccount, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_send(reply(account, mara))
    claimed = now() - timedelta(hours=9)
    Delivery.objects.update(state="claimed", claimed_by="12345", claimed_at=claimed)
    asked: list[datetime] = []

    def find_sent(self: object, outgoing: object, *, since: datetime) -> FoundSent:
        asked.append(since)
        return FoundSent("unknown")

    monkeypatch.setattr("kith.connectors.simulator.connector.Connector.find_sent", find_sent)
    orphans_recover(Claimer.start())
    assert asked == [claimed]
    assert Delivery.objects.get().state == "unknown"


def test_a_restore_calls_it() -> None:
    assert deliveries_doubt in making._restored


def test_what_was_planned_for_a_time_since_the_backup_is_in_doubt_too(
    account: ChannelAccount, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = message_send(reply(account, mara, "at three", send_at=now() + timedelta(hours=1)))
    monkeypatch.setattr(
        "kith.connectors.simulator.connector.Connector.find_sent", lambda *a, **k: FoundSent("unknown")
    )
    with frozen(now() + timedelta(hours=4)):
        deliveries_doubt(now() - timedelta(hours=5))
        assert send_due() == 0, "nothing due is sent before the network was asked"
        orphans_recover(Claimer.start())
        assert send_due() == 0
    assert texts(account) == []
    assert Message.objects.get(pk=planned.message_id).state == "unknown"
