"""Signatures against the published vector and the reference library; the road out against a receiver that checks."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from kith.base import clock
from kith.connectors.conformance import Answer, serving
from kith.connectors.conformance.base import loopback_guard, loopback_http
from kith.connectors.contract import (
    BadPayload,
    Forged,
    NotSupported,
    Outgoing,
    Party,
    RawItem,
    ReconnectNeeded,
    Refused,
    Setup,
    WebhookRequest,
)
from kith.connectors.webhook import signing
from kith.connectors.webhook.connector import Connector

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_" + base64.b64encode(b"another key, 24 bytes!!!").decode()
OUT = Outgoing(
    idempotency_key="key-1", text="It left today. 🚲", to=(Party("8", display_name="Ada"),), thread_key="t"
)


def make(secrets: str = SECRET, **settings: str) -> Connector:
    return Connector(
        Setup(
            settings=settings, secrets={"signing_secret": secrets}, http=loopback_http(), guard=loopback_guard
        )
    )


def signed(
    body: bytes, *, secret: str = SECRET, at: datetime | None = None, message_id: str = "msg_1"
) -> WebhookRequest:
    """A request as the reference library signs it."""
    at = at or clock.now()
    found = Webhook(secret).sign(message_id, at, body.decode())
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": found,
    }
    return WebhookRequest("POST", headers, {}, body)


def test_the_published_vector() -> None:
    found = signing.signature(
        signing.keys(SECRET)[0],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_the_reference_library_signs_is_believed() -> None:
    make().verify(signed(b'{"test": 1}'), now=clock.now())


def test_what_we_sign_the_reference_library_believes() -> None:
    body = '{"text": "Grüße 🚲"}'.encode()
    headers = signing.headers(signing.keys(SECRET), message_id="m", at=clock.now(), body=body)
    Webhook(SECRET).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(body, headers)


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(-301, False), (-299, True), (0, True), (299, True), (301, False)]
)
def test_the_window_is_five_minutes(seconds: int, fresh: bool) -> None:
    now = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
    request = signed(b"{}", at=now + timedelta(seconds=seconds))
    if fresh:
        make().verify(request, now=now)
    else:
        with pytest.raises(Forged):
            make().verify(request, now=now)


def test_keys_are_changed_without_a_gap() -> None:
    both = f"{NEW} {SECRET}"
    make(both).verify(signed(b"{}"), now=clock.now())
    make(both).verify(signed(b"{}", secret=NEW), now=clock.now())
    with pytest.raises(Forged):
        make(NEW).verify(signed(b"{}"), now=clock.now())


def test_several_signatures_of_which_one_holds() -> None:
    request = signed(b"{}")
    others = "v1a,abcd v1,AAAA= " + request.headers["webhook-signature"]
    make().verify(replace(request, headers={**request.headers, "webhook-signature": others}), now=clock.now())
    for useless in ("v1a," + request.headers["webhook-signature"][3:], "v1,", "v1", ",", "v1,é"):
        with pytest.raises(Forged):
            make().verify(
                replace(request, headers={**request.headers, "webhook-signature": useless}), now=clock.now()
            )


@pytest.mark.parametrize("stamp", ["", "now", "1e9", "-5", "٣", "1614265330.5", "9" * 400])
def test_timestamps_that_are_none(stamp: str) -> None:
    request = signed(b"{}")
    with pytest.raises(Forged):
        make().verify(
            replace(request, headers={**request.headers, "webhook-timestamp": stamp}), now=clock.now()
        )


def test_the_same_webhook_twice_is_one_item() -> None:
    body = b'{"type": "message.received", "data": {"from": {"id": "8"}, "text": "Hello"}}'
    first, again = (make().items(signed(body, at=clock.now() + timedelta(seconds=s)))[0] for s in (0, 9))
    assert first.external_id == again.external_id == "msg_1"


@pytest.mark.parametrize("secret", ["", "   ", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%%"])
def test_a_useless_secret_blames_the_field(secret: str) -> None:
    with pytest.raises(ReconnectNeeded) as caught:
        make(secret).check()
    assert caught.value.field == "signing_secret"


@pytest.mark.parametrize(
    ("data", "blamed"),
    [
        ({"from": {"id": "8"}}, "data.text"),
        ({"text": "x"}, "data.from"),
        ({"from": {}, "text": "x"}, "data.from.id"),
        ({"from": {"id": "8"}, "text": "x", "at": "yesterday"}, "data.at"),
        ({"from": {"id": "8"}, "text": "x", "visibility": "secret"}, "data.visibility"),
        ({"from": {"id": "8"}, "text": "x", "to": "me"}, '"to"'),
        ({"from": {"id": "8"}, "text": "x", "files": [{"url": "file:///etc/passwd"}]}, "data.files"),
    ],
)
def test_a_wrong_shape_is_told_by_its_key(data: dict[str, object], blamed: str) -> None:
    with pytest.raises(BadPayload, match=blamed):
        make().parse(RawItem("m", json.dumps({"type": "message.received", "data": data}).encode()))


def test_nobody_outside_may_say_who_is_verified() -> None:
    sender = {"id": "8", "verified": "network", "is_us": True, "network": "email", "realm": "elsewhere"}
    data = {"from": sender, "text": "x", "outgoing": True, "spam": True, "extra": {"a": 1}}
    (event,) = make().parse(RawItem("m", json.dumps({"type": "message.received", "data": data}).encode()))
    party = event.parties[0]  # type: ignore[union-attr]
    assert (party.verified, party.is_us, party.network, party.realm) == ("none", False, "", "")
    assert (event.outgoing, event.spam, event.extra) == (False, False, {})  # type: ignore[union-attr]


def test_an_answer_is_signed_and_can_be_told_from_a_second_try() -> None:
    with serving(lambda asked: Answer({"id": "r-1"}, 201)) as server:
        connector = make(callback_url=server.address + "/hook?token=x")
        receipt = connector.send(OUT)
        connector.send(OUT)
    first, again = server.asked
    body = Webhook(SECRET).verify(first.body, dict(first.headers))
    assert receipt.external_id == "r-1"
    assert body["data"]["text"] == OUT.text
    assert body["data"]["to"] == [{"id": "8", "handle": "", "name": "Ada"}]
    assert first.headers["webhook-id"] == again.headers["webhook-id"] == "kith_key-1"
    assert first.headers["idempotency-key"] == "key-1"


def test_an_empty_answer_is_a_receipt_too() -> None:
    with serving(lambda asked: Answer(b"", 204)) as server:
        assert make(callback_url=server.address).send(OUT).external_id == "kith_key-1"


def test_redirects_are_not_followed() -> None:
    with serving(lambda asked: Answer(b"", 302, {"Location": "http://127.0.0.1:9/"})) as server:
        with pytest.raises(Refused):
            make(callback_url=server.address).send(OUT)
        assert len(server.asked) == 1


def test_without_an_address_it_only_receives() -> None:
    make().check()
    with pytest.raises(NotSupported):
        make().send(OUT)
