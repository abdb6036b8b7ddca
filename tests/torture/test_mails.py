"""Corpora and bombs by the real way in: each is a visible message, within its time, and the next good mail arrives."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from kith.channels.models import RawItem
from kith.channels.parser import Parser
from kith.channels.receive import accounts_waiting, raw_items_parse, raw_items_store
from kith.connectors import child
from kith.connectors.contract import RawItem as WireItem
from kith.conversations.models import ConversationScope, Message, MessageCopy
from kith.networks.models import ChannelAccount
from tests.connectors.email.test_bombs import BOMBS
from tests.support import house
from tests.support.shared import shared_data

pytestmark = [pytest.mark.torture, pytest.mark.django_db]

GOOD = b"From: Ada <ada@out.example>\r\nTo: info@us.example\r\nSubject: Good\r\nMessage-ID: <good-%d@out.example>\r\n\r\nGood %d\r\n"


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as made:
        yield made


def receive(account: ChannelAccount, parser: Parser, *bodies: bytes) -> None:
    found = [
        WireItem(
            f"INBOX:1:{time.monotonic_ns()}:{n}",
            body,
            at=datetime(2026, 11, 3, tzinfo=UTC),
            meta={"folder": "INBOX"},
        )
        for n, body in enumerate(bodies)
    ]
    raw_items_store(account, found)
    while raw_items_parse(account.pk, parser):
        continue


def visible(raw: RawItem) -> bool:
    """Whether a person finds it: as a message, in a conversation with a row in the inbox."""
    messages = Message.objects.filter(raw_id=raw.pk) | Message.objects.filter(
        external_id=f"unreadable:{raw.digest}"
    )
    return ConversationScope.objects.filter(
        conversation__threads__copies__message__in=messages.values("id")
    ).exists()


def test_the_limits_are_those_that_are_promised() -> None:
    assert (child.CPU_SECONDS, child.MEMORY_BYTES) == (5.0, 512 * 1024 * 1024)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_message_and_the_next_mail_arrives(name: str, parser: Parser) -> None:
    account = house.mailbox()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    receive(account, parser, BOMBS[name](), GOOD % (1, 1))
    bomb, good = RawItem.objects.order_by("id")
    assert visible(bomb)
    assert bomb.state == "done", bomb.error
    assert good.state == "done"
    assert Message.objects.filter(subject="Good", text__startswith="Good 1").exists()
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < child.CPU_SECONDS + 1


def test_every_mail_of_the_corpora_is_a_message(request: pytest.FixtureRequest, parser: Parser) -> None:
    step = 1 if request.config.getoption("--torture") == "full" else 8
    files = sorted(path for path in shared_data("mail").rglob("*") if path.is_file())[::step]
    account = house.mailbox()
    bodies = list({path.read_bytes() for path in files})
    begun = time.monotonic()
    for begin in range(0, len(bodies), 200):
        receive(account, parser, *bodies[begin : begin + 200])
    receive(account, parser, GOOD % (2, 2))
    assert accounts_waiting() == []
    assert RawItem.objects.count() == len(bodies) + 1
    aside = list(RawItem.objects.filter(state="set_aside").values_list("error", flat=True))
    print(f"\n{len(bodies)} mails in {time.monotonic() - begun:.0f} s, {len(aside)} set aside {aside[:5]}")
    assert aside == []
    # One message each; the same mail in two files that differ in how it travelled is one message with two copies.
    assert all(visible(raw) or _known_otherwise(raw) for raw in RawItem.objects.all())
    assert Message.objects.filter(text__startswith="Good 2").exists()


def _known_otherwise(raw: RawItem) -> bool:
    """Whether it was recognised as a message that another file had brought."""
    uid = MessageCopy.objects.filter(folder="INBOX", message__raw_id__isnull=False)
    return raw.state == "done" and uid.exists() and Message.objects.count() < RawItem.objects.count()
