"""Claims, their orphans, and outcomes that a database was away for (law 6)."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from kith.base.clock import frozen, now
from kith.channels import durable, runner
from kith.channels.claims import Claimer, deliveries_claim
from kith.channels.deliver import deliver, orphans_recover
from kith.channels.durable import SessionEnded
from kith.channels.models import Delivery
from kith.channels.outbox import message_send, scheduled_release
from kith.connectors.contract import Receipt, RetryLater
from kith.conversations.models import Message
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from tests.channels.test_outbox import reply, sent
from tests.support import house

SEND = "kith.connectors.simulator.connector.Connector.send"


@pytest.fixture
def mara(db: None) -> User:
    return house.user()


@pytest.fixture
def account(db: None, tmp_path: Path) -> ChannelAccount:
    return house.account(settings={"outbox": str(tmp_path / "out.jsonl")})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("outcome", "state"), [(Receipt("sim:1", now()), "sent"), (RetryLater("busy", after=5), "queued")]
)
def test_what_the_network_said_is_stored_when_the_database_is_back(
    outcome: Receipt | Exception,
    state: str,
    account: ChannelAccount,
    mara: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def send(self: object, outgoing: object) -> Receipt:
        # In the thread of the call, whose connection is another.
        for number in numbers:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [number])
        connection.close()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(SEND, send)
    monkeypatch.setattr(durable, "PAUSE", 0.01)
    result = message_send(reply(account, mara))
    claimed = deliveries_claim(Claimer.start())
    assert claimed is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        numbers = [cursor.fetchone()[0]]
    with pytest.raises(SessionEnded):
        deliver(claimed)
    assert Delivery.objects.get().state == state
    assert Message.objects.get(pk=result.message_id).state == state


@pytest.mark.django_db(transaction=True)
def test_one_who_lost_the_session_claims_anew_and_goes_on(
    account: ChannelAccount, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop that sends begins again with a claim of its own, so that nobody takes it for dead."""
    message_send(reply(account, mara, "one"))
    message_send(reply(account, mara, "two"))
    stop, numbers = threading.Event(), list[str]()
    plain = runner.deliver

    def deliver_once(delivery: Delivery) -> None:
        numbers.append(delivery.claimed_by)
        plain(delivery)
        if len(numbers) == 1:
            raise SessionEnded("as if")
        stop.set()

    monkeypatch.setattr(runner, "deliver", deliver_once)
    monkeypatch.setattr(runner, "AFTER_TROUBLE", 0.01)
    thread = threading.Thread(target=lambda: (runner._guarded(runner.send_loop, stop), connection.close()))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert sent(account) == ["one", "two"]
    assert len(set(numbers)) == 2


@pytest.mark.django_db
def test_a_transaction_of_the_caller_is_not_repeated(
    account: ChannelAccount, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    tries = []

    def away(*_: object) -> None:
        tries.append(1)
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("kith.channels.outcomes.touches_made", away)
    message_send(reply(account, mara))
    claimed = deliveries_claim(Claimer.start())
    assert claimed is not None
    with pytest.raises(OperationalError):
        deliver(claimed)
    assert len(tries) == 1


@pytest.mark.django_db
def test_the_clock_going_back_sends_nothing_twice_and_loses_nothing(
    account: ChannelAccount, mara: User
) -> None:
    message_send(reply(account, mara, "before"))
    claimer = Claimer.start()
    claimed = deliveries_claim(claimer)
    assert claimed is not None
    with frozen(now() - timedelta(hours=2)):
        deliver(claimed)
        assert orphans_recover(claimer) == 0
        message_send(reply(account, mara, "an hour that comes twice"))
        while (delivery := deliveries_claim(claimer)) is not None:
            deliver(delivery)
    while (delivery := deliveries_claim(claimer)) is not None:
        deliver(delivery)
    assert sent(account) == ["before", "an hour that comes twice"]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


@pytest.mark.django_db(transaction=True)
def test_a_wait_for_news_ends_by_the_clock_on_the_wall_that_runs_only_forward() -> None:
    """Where the day's clock is put back by an hour, new mail is not left lying for an hour."""
    stop = threading.Event()
    connection.ensure_connection()
    with frozen(now() - timedelta(hours=1)):
        runner._wait_for("kith_nothing", stop, 0.2)
    connection.close()


@pytest.mark.django_db
def test_a_planned_message_that_cannot_be_released_holds_up_no_other(
    account: ChannelAccount, mara: User
) -> None:
    bad = message_send(reply(account, mara, "bad", send_at=now() + timedelta(hours=1)))
    good = message_send(reply(account, mara, "good", send_at=now() + timedelta(hours=2)))
    Message.objects.filter(pk=bad.message_id).update(extra={"kind": "reply"})
    with frozen(now() + timedelta(hours=3)):
        assert scheduled_release() == 2
        assert scheduled_release() == 0
    assert Message.objects.get(pk=bad.message_id).state == "failed"
    assert Message.objects.get(pk=good.message_id).state == "queued"
