"""The hostile connector in the core: whatever it does, the core goes on, and the next good item of others arrives."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from kith.base.clock import now
from kith.channels import deliver as delivering
from kith.channels import runner
from kith.channels.deliver import Claimer, deliver, deliveries_claim, orphans_recover
from kith.channels.models import Delivery, RawItem
from kith.channels.outbox import Compose, message_send
from kith.channels.parser import Parser
from kith.channels.receive import accounts_waiting, raw_items_parse, raw_items_store
from kith.channels.simulator import play
from kith.connectors.hostile import harm
from kith.connectors.manifest import manifests
from kith.conversations.models import ConversationScope, Message, MessageCopy
from kith.core import events
from kith.networks.models import ChannelAccount
from tests.support import house

pytestmark = [pytest.mark.torture, pytest.mark.django_db]
MODES = next(field for field in manifests()["hostile"].fields if field.name == "mode").choices
# What ends or fills its process is held where foreign bytes are read, in the parser's child. Elsewhere a connector is
# our own code, in our own process.
ONLY_PARSING = ("exits", "killed", "memory")
# Each of these is a thread with a database of its own; a sample has one of each kind.
SAMPLE = ("raises base", "wrong types", "endless pages", "bad cursor", "hangs", "leaks secrets")
SECRET = "s3cret-token-of-ours"


def hostile(mode: str, where: str) -> ChannelAccount:
    return house.account(
        "hostile",
        settings={"mode": mode, "where": where, "count": "3"},
        secrets={"token": SECRET},
        external_id="hostile",
        name="Hostile",
    )


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parser]:
    monkeypatch.setattr("kith.channels.parser.WALL_SECONDS", 3.0)
    with Parser() as made:
        yield made


def parse_everything(parser: Parser) -> None:
    """As the parsing loop does it, account by account."""
    end = time.monotonic() + 60
    while waiting := accounts_waiting():
        assert time.monotonic() < end
        for account_id in waiting:
            runner._parse_some(account_id, parser)


def the_next_good_one_arrives(parser: Parser) -> None:
    good = house.account(external_id="good", address="good")
    play(good, sender_id="ada", sender_name="Ada", text="A good message", parse=False)
    parse_everything(parser)
    assert Message.objects.filter(text="A good message", unreadable="").count() == 1


@pytest.mark.parametrize("mode", MODES)
def test_parsing(mode: str, parser: Parser, caplog: pytest.LogCaptureFixture) -> None:
    account = hostile(mode, "parse")
    before = Path("/etc/passwd").read_bytes()
    raw_items_store(account, [harm.item(n) for n in range(3)])
    begun = time.monotonic()
    parse_everything(parser)
    assert time.monotonic() - begun < 40
    assert not RawItem.objects.filter(state="new").exists()
    for raw in RawItem.objects.filter(state="set_aside"):
        assert raw.error
        assert (
            Message.objects.filter(raw_id=raw.pk).exclude(unreadable="").exists()
            or Message.objects.filter(external_id=f"unreadable:{raw.digest}").exists()
        ), "what can't be read is a message that says so"
    assert ConversationScope.objects.exists() or mode == "event storm"
    assert Path("/etc/passwd").read_bytes() == before, "a parser names no file outside its folder"
    events.pump()
    the_next_good_one_arrives(parser)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in ONLY_PARSING])
def test_reading(
    mode: str, parser: Parser, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    """Each in a thread of its own, as in the listening process; what it raises is told in the channel's health."""
    if mode not in SAMPLE and request.config.getoption("--torture") != "full":
        pytest.skip("by design: only in the long version, --torture=full")
    caplog.set_level(logging.DEBUG)
    account = hostile(mode, "fetch,wait,stream,parse")
    stop = threading.Event()

    def read() -> None:
        try:
            runner.read_account(account.pk, stop)
        finally:
            connection.close()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    harmless = ("leaks secrets",)
    told = _until(lambda: _health_says(account) or RawItem.objects.exists(), 10)
    stop.set()
    assert told or mode == "hangs"
    the_next_good_one_arrives(parser)
    thread.join(8)
    assert mode in ("hangs", *harmless) or not thread.is_alive()
    account.refresh_from_db()
    assert account.state == "active"
    assert SECRET not in _health_says(account)
    assert SECRET not in caplog.text


def _health_says(account: ChannelAccount) -> str:
    row = ChannelAccount.objects.get(pk=account.pk)
    return row.health.last_error if hasattr(row, "health") else ""


def _until(told: Callable[[], object], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if told():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in ONLY_PARSING])
def test_sending(mode: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is sent once or it is unsure; a person sees which; and the next answer on another channel goes out."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(delivering, "SEND_SECONDS", 1.0)
    account = hostile("well behaved", "")
    raw_items_store(account, [harm.item(1)])
    with Parser() as parser:
        while raw_items_parse(account.pk, parser):
            continue
    ChannelAccount.objects.filter(pk=account.pk).update(
        settings={"mode": mode, "where": "send,find_sent", "count": "3"}
    )
    good = house.account(external_id="good", address="good")
    play(good, sender_id="ada", sender_name="Ada", text="A good message")
    mara = house.user()
    for asked in Message.objects.filter(direction="in"):
        copy = MessageCopy.objects.filter(message=asked).select_related("thread", "channel_account")[0]
        result = message_send(
            Compose(
                user=mara,
                account=ChannelAccount.objects.get(pk=copy.channel_account_id),
                text="An answer",
                recipients=((asked.sender_id, "to"),),  # type: ignore[arg-type]
                conversation_id=copy.thread.conversation_id,
                reply_to=asked,
                undo_seconds=0,
            )
        )
        assert result.verdict.outcome == "allow"
    claimer = Claimer.start()
    while (delivery := deliveries_claim(claimer)) is not None:
        deliver(delivery)
    assert Delivery.objects.get(channel_account=good).state == "sent"
    hurt = Delivery.objects.get(channel_account=account)
    harmful = mode in ("raises", "raises base", "hangs", "wrong types", "leaks secrets")
    assert hurt.state == ("unknown" if harmful else "sent")
    assert hurt.message.state == hurt.state
    assert bool(hurt.error) == harmful
    assert SECRET not in hurt.error
    assert SECRET not in caplog.text
    Delivery.objects.filter(state="claimed").update(claimed_at=now())
    assert orphans_recover(claimer) == 0
