from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kith.connectors.conformance.base import loopback_guard, loopback_http
from kith.connectors.contract import (
    MessageReceived,
    OutcomeUnknown,
    Outgoing,
    Party,
    RawItem,
    ReconnectNeeded,
    Refused,
    RetryLater,
    Setup,
)
from kith.connectors.simulator.connector import Connector

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
OUT = Outgoing(idempotency_key="k1", text='He said "hi"\nand left', to=(Party("c1"),))


def make(**settings: str) -> Connector:
    return Connector(Setup(settings=settings, secrets={}, http=loopback_http(), guard=loopback_guard))


def test_the_receipt_follows_from_the_key_alone() -> None:
    assert make().send(OUT).external_id == make(medium="mail").send(OUT).external_id
    assert make().find_sent(OUT, since=SINCE).receipt.external_id == make().send(OUT).external_id  # type: ignore[union-attr]


def test_the_outbox_tells_what_was_sent(tmp_path: Path) -> None:
    outbox = tmp_path / "out.jsonl"
    connector = make(outbox=str(outbox))
    assert connector.find_sent(OUT, since=SINCE).state == "not_sent"
    receipt = connector.send(OUT)
    connector.edit(receipt.external_id, OUT)
    connector.delete(receipt.external_id)
    lines = [json.loads(line) for line in outbox.read_text().splitlines()]
    assert [line["what"] for line in lines] == ["send", "edit", "delete"]
    assert lines[0]["text"] == OUT.text
    assert connector.find_sent(OUT, since=SINCE).state == "sent"
    assert connector.find_sent(Outgoing("k2", "x", ()), since=SINCE).state == "not_sent"


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ("is refused", Refused),
        ("has to wait", RetryLater),
        ("is uncertain", OutcomeUnknown),
        ("needs a new log-in", ReconnectNeeded),
    ],
)
def test_trouble_can_be_played(behaviour: str, error: type[Exception], tmp_path: Path) -> None:
    connector = make(behaviour=behaviour, outbox=str(tmp_path / "out"))
    with pytest.raises(error):
        connector.send(OUT)
    # what is uncertain did arrive, and can be found
    assert connector.find_sent(OUT, since=SINCE).state == ("sent" if error is OutcomeUnknown else "not_sent")


@pytest.mark.parametrize(
    ("public", "visibility"), [("true", "public"), ("false", "private"), ("", "private")]
)
def test_what_a_message_is_that_does_not_say(public: str, visibility: str) -> None:
    body = b'{"type": "message.received", "data": {"from": {"id": "c1"}, "text": "x"}}'
    (event,) = make(public=public).parse(RawItem("1", body))
    assert isinstance(event, MessageReceived)
    assert event.visibility == visibility


def test_every_behaviour_offered_is_known() -> None:
    field = next(item for item in Connector.manifest.fields if item.name == "behaviour")
    for choice in set(field.choices) - {"arrives"}:
        with pytest.raises((Refused, RetryLater, OutcomeUnknown, ReconnectNeeded)):
            make(behaviour=choice).send(OUT)
    make(behaviour="arrives").send(OUT)
