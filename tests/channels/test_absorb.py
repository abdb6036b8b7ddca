"""What we sent and what we read of it become one message, whichever is stored first (laws 3 and 6)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction

from kith.channels.absorb import double_absorb
from kith.channels.apply import place_of
from kith.channels.claims import Claimer, deliveries_claim
from kith.channels.deliver import deliver
from kith.channels.models import Delivery
from kith.channels.outbox import message_send
from kith.connectors.contract import Outgoing, Receipt
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import ConversationScope, Message, MessageCopy, ThreadKey
from kith.conversations.services import messages_record
from kith.conversations.types import IncomingMessage, IncomingParticipant, Recorded
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from tests.channels.test_outbox import reply
from tests.support import house

pytestmark = pytest.mark.django_db
SEND = "kith.connectors.simulator.connector.Connector.send"


@pytest.fixture
def mara() -> User:
    return house.user()


@pytest.fixture
def account(tmp_path: Path) -> ChannelAccount:
    return house.account(settings={"outbox": str(tmp_path / "out.jsonl")})


def read_back(account: ChannelAccount, external_id: str, *, folder: str = "Sent", uid: str = "7") -> Recorded:
    """What the next reading of the network brings: our own message, under the id that it got there."""
    us = ObservedIdentity(account.network, account.external_id, handle="us", kind="us")
    ada = ObservedIdentity(account.network, "ada", handle="ada")
    found = IncomingMessage(
        external_id,
        datetime.now(UTC),
        (IncomingParticipant(us, "from"), IncomingParticipant(ada, "to")),
        "Yes",
        outgoing=True,
        from_own_store=True,
        own_key=external_id,
        folder=folder,
        uid=uid,
    )
    return messages_record(place_of(account), [found])[0]


def send_with(
    account: ChannelAccount, mara: User, monkeypatch: pytest.MonkeyPatch, *, before_receipt: object = None
) -> Message:
    """Send an answer; `before_receipt` happens when the network has it and has not told us yet."""

    def send(self: object, outgoing: Outgoing) -> Receipt:
        return Receipt("net:1", datetime.now(UTC))

    monkeypatch.setattr(SEND, send)
    result = message_send(reply(account, mara))
    claimed = deliveries_claim(Claimer.start())
    assert claimed is not None
    if callable(before_receipt):
        before_receipt()
    deliver(claimed)
    return Message.objects.get(pk=result.message_id)


def test_what_was_read_before_its_receipt_becomes_one_with_what_we_wrote(
    account: ChannelAccount, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = send_with(account, mara, monkeypatch, before_receipt=lambda: read_back(account, "net:1"))
    ours = Message.objects.get(direction="out")
    assert ours == mine
    assert (ours.external_id, ours.state, ours.author) == ("net:1", "sent", mara)
    copies = MessageCopy.objects.filter(message=ours)
    assert sorted(copies.values_list("folder", "uid")) == [("", ""), ("Sent", "7")]
    assert copies.filter(first_in_thread=True).count() == copies.values("thread").distinct().count()
    assert Delivery.objects.get().state == "sent"
    assert copies.values("thread").distinct().count() == 1
    assert ConversationScope.objects.get().message_count == 2, "a person finds it, once"
    assert ThreadKey.objects.get(key="net:1").thread_id == copies[0].thread_id, "answers to it find their way"


def test_what_is_read_after_its_receipt_is_a_copy(
    account: ChannelAccount, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = send_with(account, mara, monkeypatch)
    again = read_back(account, "net:1")
    assert (again.message_id, again.is_new) == (mine.pk, False)
    assert Message.objects.filter(direction="out").count() == 1
    read_back(account, "net:1")
    assert MessageCopy.objects.filter(message=mine, folder="Sent").count() == 1


def test_two_folders_that_brought_it_leave_two_copies_and_no_other_message(
    account: ChannelAccount, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_twice() -> None:
        read_back(account, "net:1", folder="Sent", uid="7")
        read_back(account, "net:1", folder="All", uid="40")

    mine = send_with(account, mara, monkeypatch, before_receipt=read_twice)
    assert Message.objects.filter(direction="out").count() == 1
    assert set(MessageCopy.objects.filter(message=mine).values_list("folder", flat=True)) == {
        "",
        "Sent",
        "All",
    }


def test_other_messages_are_left_alone(
    account: ChannelAccount, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one with another id, nor one of a colleague, nor one on another network, nor with no id at all."""
    reply(account, mara)  # somebody has written
    other = read_back(account, "net:2")
    elsewhere = house.account("hostile", external_id="us", scope=account.scope)
    far = read_back(elsewhere, "net:1")
    mine = send_with(account, mara, monkeypatch)
    colleague = Message.objects.create(
        network=account.network,
        external_id="net:1",
        content_hash="x",
        direction="out",
        at=datetime.now(UTC),
        received_at=datetime.now(UTC),
        author=house.user("Tom"),
        visibility="private",
    )
    with transaction.atomic():
        double_absorb(mine, "net:1", scope_id=account.scope_id)
        double_absorb(mine, "", scope_id=account.scope_id)
    kept = set(Message.objects.filter(direction="out").values_list("id", flat=True))
    assert kept == {other.message_id, far.message_id, mine.pk, colleague.pk}


def test_the_conversation_that_only_the_double_stood_in_goes(
    account: ChannelAccount, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that was filed elsewhere comes along, so that no empty conversation stays in the inbox."""
    mine = send_with(account, mara, monkeypatch, before_receipt=lambda: read_back(account, "net:1"))
    for row in ConversationScope.objects.all():
        assert MessageCopy.objects.filter(
            thread__conversation_id=row.conversation_id, thread__scope_id=row.scope_id
        ).exists(), "a row of the inbox shows something"
    assert ConversationScope.objects.filter(conversation__threads__copies__message=mine).exists()
