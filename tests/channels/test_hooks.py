"""Webhooks come in signed, once, and are durable before they are answered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from standardwebhooks import Webhook

from kith.channels.models import RawItem
from kith.channels.parser import Parser
from kith.channels.receive import raw_items_parse, raw_items_store
from kith.connectors.contract import RawItem as WireItem
from kith.conversations.models import Message
from kith.networks.models import ChannelAccount
from tests.support import house

pytestmark = pytest.mark.django_db
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"type": "message.received", "data": {"from": {"id": "ada"}, "text": "By webhook"}})


@pytest.fixture
def account() -> ChannelAccount:
    return house.account("webhook", secrets={"signing_secret": SECRET})


def post(
    account: ChannelAccount, *, body: str = BODY, at: datetime | None = None, secret: str = SECRET
) -> int:
    moment = at or datetime.now(tz=UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", moment, BODY),
    }
    answer = Client().post(f"/hooks/{account.pk}/", body, content_type="application/json", headers=headers)
    return answer.status_code


def test_a_signed_event_arrives_once(account: ChannelAccount) -> None:
    assert [post(account), post(account)] == [200, 200]
    with Parser() as parser:
        raw_items_parse(account.pk, parser)
    assert Message.objects.get().text == "By webhook"


def test_a_changed_or_wrongly_signed_event_is_refused(account: ChannelAccount) -> None:
    assert post(account, body=BODY.replace("By", "Not by")) == 401
    assert post(account, secret="whsec_" + "A" * 32) == 401
    assert not RawItem.objects.exists()


def test_an_old_event_is_a_replay(account: ChannelAccount) -> None:
    assert post(account, at=datetime.now(tz=UTC) - timedelta(minutes=6)) == 401


def test_accounts_that_take_no_webhooks_are_not_told_apart(account: ChannelAccount) -> None:
    assert post(house.mailbox()) == 404
    account.state = ChannelAccount.State.PAUSED
    account.save()
    assert post(account) == 404


def test_too_large_is_too_large(account: ChannelAccount) -> None:
    assert post(account, body="x" * (3 * 1024 * 1024)) == 413


def _told(account: ChannelAccount, kind: str, **data: object) -> None:
    body = {"type": kind, "timestamp": "2026-11-20T10:00:00Z", "data": data}
    raw_items_store(account, [WireItem(f"{kind}:{data}", json.dumps(body).encode(), at=datetime.now(tz=UTC))])
    with Parser() as parser:
        raw_items_parse(account.pk, parser)
    assert not RawItem.objects.exclude(state=RawItem.State.DONE).exists()


def test_one_sender_changes_nothing_that_came_from_another(account: ChannelAccount) -> None:
    """Whoever holds the secret of one webhook chooses ids freely, those of another one's messages too."""
    other = house.account("webhook", secrets={"signing_secret": SECRET}, name="Shop", external_id="shop")
    _told(other, "message.received", id="order-17", **{"from": {"id": "ada"}, "text": "Where is it?"})
    _told(account, "message.edited", id="order-17", text="All is well")
    _told(account, "message.deleted", id="order-17")
    message = Message.objects.get()
    assert (message.text, message.deleted_upstream_at) == ("Where is it?", None)
    _told(other, "message.edited", id="order-17", text="Where is it now?")
    message.refresh_from_db()
    assert message.text == "Where is it now?"
    _told(other, "message.deleted", id="order-17")
    message.refresh_from_db()
    assert (message.text, message.deleted_upstream_at is None) == ("", False)
