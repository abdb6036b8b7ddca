"""One gate before everything that goes out; claim, send, confirm; nothing sent twice (laws 5 and 6)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from kith.base.clock import frozen, now
from kith.channels.deliver import Claimer, deliver, deliveries_claim, delivery_settle, orphans_recover
from kith.channels.models import Delivery
from kith.channels.outbox import Compose, message_send, message_unsend, scheduled_release
from kith.channels.simulator import play
from kith.contacts.models import Identity
from kith.conversations.models import ConversationScope, Message, MessageCopy
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.trust.models import Decision, Touch
from kith.trust.services import suppression_add
from tests.support import house

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara() -> User:
    return house.user()


@pytest.fixture
def account(tmp_path: Path) -> ChannelAccount:
    return house.account(settings={"outbox": str(tmp_path / "out.jsonl")})


def sent(account: ChannelAccount) -> list[str]:
    path = Path(account.settings["outbox"])
    return [json.loads(line)["text"] for line in path.read_text().splitlines()] if path.exists() else []


def reply(account: ChannelAccount, mara: User, text: str = "Yes", **rest: object) -> Compose:
    if not Message.objects.exists():
        play(account, sender_id="ada", sender_name="Ada", text="Is anyone there?")
    asked = Message.objects.filter(direction="in").order_by("id")[0]
    copy = MessageCopy.objects.filter(message=asked)[0]
    values: dict[str, object] = {
        "user": mara,
        "account": account,
        "text": text,
        "recipients": ((asked.sender_id, "to"),),
        "conversation_id": copy.thread.conversation_id,
        "reply_to": asked,
        "undo_seconds": 0,
    }
    return Compose(**{**values, **rest})  # type: ignore[arg-type]


def send_due() -> int:
    claimer, count = Claimer.start(), 0
    while (delivery := deliveries_claim(claimer)) is not None:
        deliver(delivery)
        count += 1
    return count


def test_an_answer_passes_the_gate_and_goes_out_once(account: ChannelAccount, mara: User) -> None:
    result = message_send(reply(account, mara))
    assert result.verdict.outcome == "allow"
    assert send_due() == 1
    assert send_due() == 0
    assert sent(account) == ["Yes"]
    message = Message.objects.get(pk=result.message_id)
    assert message.state == "sent"
    touch = Touch.objects.get()
    assert (touch.state, touch.decisions.get().outcome) == ("made", "allow")
    assert ConversationScope.objects.get().waiting_since is None


def test_answering_makes_a_contact_of_the_person(account: ChannelAccount, mara: User) -> None:
    message_send(reply(account, mara))
    contact = Identity.objects.get(external_id="ada").contact
    assert contact is not None
    assert contact.name == "Ada"


def test_a_suppressed_person_gets_nothing_and_the_reason_is_kept(account: ChannelAccount, mara: User) -> None:
    compose = reply(account, mara)
    suppression_add(network=account.network, address="ada")
    result = message_send(compose)
    assert (result.verdict.outcome, result.verdict.rule) == ("deny", "suppressed")
    assert Message.objects.get(pk=result.message_id).state == "held"
    assert not Delivery.objects.exists()
    assert "never to be contacted" in Decision.objects.get().sentence


def test_the_database_refuses_a_delivery_without_an_allowing_decision(
    account: ChannelAccount, mara: User
) -> None:
    compose = reply(account, mara)
    suppression_add(network=account.network, address="ada")
    result = message_send(compose)
    denied = Decision.objects.get()

    def deliver_anyway() -> None:
        Delivery.objects.create(
            message_id=result.message_id,
            channel_account=account,
            decision=denied,
            idempotency_key=result.message_id,
            not_before=now(),
        )
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(IntegrityError), transaction.atomic():
        deliver_anyway()


def test_a_message_can_be_taken_back_while_it_waits(account: ChannelAccount, mara: User) -> None:
    result = message_send(reply(account, mara, undo_seconds=10))
    assert send_due() == 0
    assert message_unsend(message=Message.objects.get(pk=result.message_id))
    with frozen(now() + timedelta(minutes=1)):
        assert send_due() == 0
    assert sent(account) == []


def test_send_later_asks_the_gate_again_when_its_time_has_come(account: ChannelAccount, mara: User) -> None:
    result = message_send(reply(account, mara, send_at=now() + timedelta(hours=2)))
    assert not Delivery.objects.exists()
    with frozen(now() + timedelta(hours=3)):
        suppression_add(network=account.network, address="ada")
        scheduled_release()
        assert send_due() == 0
    assert Message.objects.get(pk=result.message_id).state == "held"


def test_an_uncertain_sending_is_asked_for_and_not_repeated(account: ChannelAccount, mara: User) -> None:
    account.settings["behaviour"] = "is uncertain"
    account.save()
    message_send(reply(account, mara))
    send_due()
    assert sent(account) == ["Yes"]
    assert Delivery.objects.get().state == "sent"


def test_an_orphaned_claim_is_settled_by_asking_the_network(account: ChannelAccount, mara: User) -> None:
    message_send(reply(account, mara))
    Delivery.objects.update(state="claimed", claimed_by="12345", claimed_at=now() - timedelta(minutes=5))
    assert orphans_recover(Claimer.start()) == 1
    assert Delivery.objects.get().state == "queued"


def test_what_nobody_knows_is_shown_and_settled_by_a_person(account: ChannelAccount, mara: User) -> None:
    message_send(reply(account, mara))
    account.settings["outbox"] = "/proc/nowhere/out.jsonl"
    account.save()
    Delivery.objects.update(state="claimed", claimed_by="12345", claimed_at=now() - timedelta(minutes=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "kith.connectors.simulator.connector.Connector.find_sent",
            lambda *a, **k: (_ for _ in ()).throw(OSError("down")),
        )
        orphans_recover(Claimer.start())
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.message.state) == ("unknown", "unknown")
    delivery_settle(delivery=delivery, was_sent=True, user=mara)
    assert Delivery.objects.get().state == "sent"


def test_a_refusal_is_shown_on_the_message(account: ChannelAccount, mara: User) -> None:
    account.settings["behaviour"] = "is refused"
    account.save()
    result = message_send(reply(account, mara))
    send_due()
    assert Message.objects.get(pk=result.message_id).state == "failed"
    assert "refuses" in Delivery.objects.get().error
