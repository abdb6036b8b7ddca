from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kith.connectors.chat.connector import Connector
from kith.connectors.conformance.base import loopback_guard, loopback_http
from kith.connectors.contract import (
    BadPayload,
    Media,
    MessageReceived,
    Outgoing,
    Party,
    RawItem,
    Refused,
    Setup,
)

OUT = Outgoing("k1", "Yes.", (Party("8b1c7d"),), thread_key="visitor:8b1c7d")


def make(site: str = "https://shop.example/") -> Connector:
    return Connector(Setup(settings={"site": site}, secrets={}, http=loopback_http(), guard=loopback_guard))


def received(**data: object) -> MessageReceived:
    body = {"type": "message.received", "data": {"from": {"id": "v1"}, "text": "Hello", **data}}
    (event,) = make().parse(RawItem("1", json.dumps(body).encode()))
    assert isinstance(event, MessageReceived)
    return event


def test_what_a_visitor_types_proves_nothing() -> None:
    event = received(claims={"email": "boss@shop.example", "name": "The boss"})
    (party,) = event.parties
    assert (party.external_id, party.verified, party.handle, party.network) == ("v1", "none", "", "")
    assert event.extra["claims"]["email"] == "boss@shop.example"


def test_an_address_is_no_visitor() -> None:
    with pytest.raises(BadPayload):
        received(**{"from": {"email": "boss@shop.example"}})


def test_a_file_comes_whole() -> None:
    (media,) = received(files=[{"name": "a.txt", "content": "aGVsbG8="}]).media
    assert media.content == b"hello"


def test_a_visitor_has_one_thread() -> None:
    assert received(thread="another").own_thread_key == received().own_thread_key == "visitor:v1"


def test_the_site_must_be_an_address() -> None:
    with pytest.raises(Refused) as caught:
        make("shop.example").check()
    assert caught.value.field == "site"
    assert make().check().handle == "shop.example"


@pytest.mark.parametrize(
    "outgoing",
    [
        replace(OUT, thread_key=""),
        replace(OUT, media=(Media("a", "text/plain"),) * 6),
        replace(OUT, media=(Media("a", "text/plain", size=11_000_000),)),
    ],
)
def test_limits_hold(outgoing: Outgoing) -> None:
    with pytest.raises(Refused):
        make().send(outgoing)


def test_a_second_try_is_the_same_message() -> None:
    assert make().send(OUT).external_id == make().send(OUT).external_id
