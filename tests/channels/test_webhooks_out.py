"""Outgoing webhooks against a real receiver: signed, to whom may know, tried again, never twice when taken."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection
from standardwebhooks import Webhook, WebhookVerificationError

from kith.base.clock import now
from kith.channels import gateway, webhooks_out
from kith.channels.models import WebhookDelivery, WebhookSubscription
from kith.core import events
from kith.teams.models import Notification, User
from tests.api.support import write_in
from tests.support import house

pytestmark = pytest.mark.django_db


class Receiver:
    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(outer.answers.pop(0) if outer.answers else 204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    import ipaddress

    made = Receiver()
    monkeypatch.setattr(gateway, "_allowed", lambda: (ipaddress.ip_network("127.0.0.0/8"),))
    yield made
    made.server.shutdown()
    made.server.server_close()


def waiting() -> list[dict[str, Any]]:
    """The jobs that wait, with their arguments; removed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args, scheduled_at FROM procrastinate_jobs WHERE task_name = 'channels.webhooks_send' ORDER BY id"
        )
        found = [(json.loads(args) if isinstance(args, str) else args, at) for args, at in cursor.fetchall()]
        cursor.execute("DELETE FROM procrastinate_events")
        cursor.execute("DELETE FROM procrastinate_jobs")
    return [{**args, "at": at} for args, at in found]


def run(jobs: list[dict[str, Any]]) -> None:
    """Run jobs as if their time had come."""
    WebhookSubscription.objects.update(next_try_at=None)
    for one in jobs:
        webhooks_out.send.func(**{k: v for k, v in one.items() if k != "at"})


def subscribed(user: User, receiver: Receiver, *kinds: str) -> tuple[WebhookSubscription, str]:
    return webhooks_out.subscription_create(user=user, url=receiver.url, kinds=kinds or webhooks_out.KINDS)


def test_it_is_signed_and_small(receiver: Receiver) -> None:
    _, secret = subscribed(house.user("Mara"), receiver, "message.received")
    conversation = write_in(house.mailbox(), 1)
    events.pump()
    run(waiting())
    ((headers, body),) = receiver.got
    Webhook(secret).verify(body, headers)
    told = json.loads(body)
    assert (told["type"], told["data"]["conversation_id"]) == ("message.received", conversation)
    assert "ready" not in body.decode(), "the text is read over the API"


def test_only_what_its_maker_may_see_and_asked_for_is_told(receiver: Receiver) -> None:
    outside, inside = house.user("Olaf"), house.user("Ina")
    account = house.mailbox("sales@us.example", scope=house.team_scope(house.team("Sales", inside)))
    subscribed(outside, receiver)
    subscribed(inside, receiver, "person.created")
    write_in(account, 1)
    events.pump()
    run(waiting())
    assert receiver.got == []
    subscribed(inside, receiver, "message.received")
    write_in(account, 2)
    events.pump()
    run(waiting())
    assert len(receiver.got) == 1


def test_what_was_taken_is_not_sent_again_and_the_rest_is_tried_later(receiver: Receiver) -> None:
    subscription, _ = subscribed(house.user("Mara"), receiver, "message.received")
    account = house.mailbox()
    for number in range(4):
        write_in(account, number)
    events.pump()
    receiver.answers = [200, 500]
    run(waiting())
    (again,) = waiting()
    assert again["at"] is not None
    states = list(WebhookDelivery.objects.order_by("id").values_list("state", "attempts", "status"))
    assert states == [("sent", 1, 200), ("waiting", 1, 500), ("waiting", 0, None), ("waiting", 0, None)]
    subscription.refresh_from_db()
    assert (subscription.failures_in_a_row, subscription.last_error) == (1, "127.0.0.1 answered 500")
    write_in(account, 9)
    events.pump()
    webhooks_out.send.func(subscription_id=again["subscription_id"])
    assert len(receiver.got) == 2, "what comes meanwhile does not hurry a program that is down"
    waiting()
    run([again])
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert len(ids) == 6
    assert len(set(ids)) == 5
    assert ids[1] == ids[2], "the same webhook keeps its id"
    subscription.refresh_from_db()
    assert subscription.failures_in_a_row == 0


def test_a_dead_address_is_paused_and_says_why(receiver: Receiver) -> None:
    subscription, _ = subscribed(house.user("Mara"), receiver, "message.received")
    write_in(house.mailbox(), 1)
    events.pump()
    receiver.answers = [500] * 50
    tries = 0
    while jobs := waiting():
        run(jobs)
        tries += 1
    subscription.refresh_from_db()
    assert tries == len(webhooks_out.PAUSES) + 1 == len(receiver.got)
    assert subscription.paused_at is not None
    write_in(house.mailbox("b@us.example"), 2)
    events.pump()
    assert waiting() == []
    webhooks_out.subscription_update(subscription=subscription, paused=False)
    receiver.answers = [410]
    write_in(house.mailbox("c@us.example"), 3)
    events.pump()
    run(waiting())
    subscription.refresh_from_db()
    assert subscription.paused_at is not None
    assert waiting() == []
    alarms = Notification.objects.filter(kind="alarm")
    assert {n.title for n in alarms} == {"Webhooks to 127.0.0.1 are paused"}
    assert {n.path for n in alarms} == {f"/settings/webhooks/{subscription.pk}/"}


def test_the_published_vector_of_standard_webhooks() -> None:
    body = '{"test": 2432232314}'
    moment = datetime.fromtimestamp(1614265330, UTC)
    headers = webhooks_out.headers_of(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, body
    )
    assert headers == {
        "Content-Type": "application/json",
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_one_event_is_told_again_or_left_out_by_hand(receiver: Receiver) -> None:
    subscription, _ = subscribed(house.user("Mara"), receiver, "message.received")
    account = house.mailbox()
    write_in(account, 1)
    write_in(account, 2)
    events.pump()
    receiver.answers = [500]
    run(waiting())
    first, second = WebhookDelivery.objects.order_by("id")
    assert webhooks_out.delivery_skip(subscription=subscription, delivery_id=first.pk)
    run(waiting())
    assert [d.state for d in WebhookDelivery.objects.order_by("id")] == ["skipped", "sent"]
    assert webhooks_out.delivery_again(subscription=subscription, delivery_id=second.pk)
    run(waiting())
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [
        f"msg_{one.pk.hex}" for one in (first, second, second)
    ]


def test_a_ping_is_sent_at_once_and_a_new_secret_counts(receiver: Receiver) -> None:
    subscription, old = subscribed(house.user("Mara"), receiver)
    secret = webhooks_out.subscription_new_secret(subscription=subscription)
    receiver.answers = [204, 500]
    assert webhooks_out.ping(subscription=subscription).error == ""
    headers, body = receiver.got[0]
    assert Webhook(secret).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)
    assert webhooks_out.ping(subscription=subscription).status == 500
    assert not WebhookDelivery.objects.filter(state="waiting").exists(), "a ping is never tried again"


def test_what_was_told_is_forgotten_after_two_weeks(receiver: Receiver) -> None:
    subscription, _ = subscribed(house.user("Mara"), receiver)
    webhooks_out.ping(subscription=subscription)
    waits = WebhookDelivery.objects.create(subscription=subscription, kind="person.created")
    WebhookDelivery.objects.update(created_at=now() - timedelta(days=15))
    webhooks_out.deliveries_forget(timestamp=0)
    assert list(WebhookDelivery.objects.values_list("pk", flat=True)) == [waits.pk]


def test_addresses_inside_are_refused_and_secrets_are_sealed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_allowed", lambda: ())
    subscription, secret = subscribed(house.user("Mara"), receiver, "message.received")
    assert secret.partition("_")[2] not in subscription.secret
    write_in(house.mailbox(), 1)
    events.pump()
    run(waiting())
    assert receiver.got == []
    subscription.refresh_from_db()
    assert "not on the public internet" in subscription.last_error


@pytest.mark.parametrize(
    "url",
    ["ftp://x.example", "https://", "javascript:alert(1)", "https://u:p@x.example", "https://[", "x" * 20],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(webhooks_out.WebhookError) as caught:
        webhooks_out.subscription_create(user=house.user("Mara"), url=url, kinds=["message.received"])
    assert caught.value.field == "url"
