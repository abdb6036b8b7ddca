"""Against mastodon-mock, which has what snac2 lacks: deleting, streaming, conversations, idempotency."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.connectors.mastodon.real import Channel, setup_for
from tests.support import mastodonmock
from tests.support.mastodonmock import Mock
from tests.support.snac import until

from kith.connectors.contract import (
    ConnectorError,
    FollowReceived,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Outgoing,
    Party,
    RawItem,
    ReconnectNeeded,
    Refused,
)
from kith.connectors.mastodon.connector import Connector

pytestmark = pytest.mark.realserver
SHOP = Party("", "@shop", role="to")
BOB = Party("", "@bob", role="to")


@pytest.fixture(scope="module")
def server() -> Iterator[Mock]:
    with mastodonmock.running() as found:
        yield found


@pytest.fixture
def shop(server: Mock) -> Channel:
    channel = Channel(server.address, server.tokens["shop"])
    channel.poll(limit=40)
    channel.events.clear()
    return channel


@pytest.fixture
def bob(server: Mock) -> Channel:
    return Channel(server.address, server.tokens["bob"])


def test_somebody_is_found_by_the_handle_that_was_typed(shop: Channel, bob: Channel) -> None:
    bob.poll(limit=1)
    found = shop.connector.find("@bob")
    assert (found.external_id, found.role, found.is_us) == (bob.own.external_id, "to", False)
    assert shop.connector.find("@shop").is_us
    with pytest.raises(Refused):
        shop.connector.find("@bo")


def test_a_token_that_is_none(server: Mock) -> None:
    with pytest.raises(ReconnectNeeded) as caught:
        Connector(setup_for(server.address, "nonsense")).check()
    assert caught.value.field == "access_token"


def test_what_was_deleted_goes_and_what_was_edited_changes(shop: Channel, bob: Channel) -> None:
    kept = bob.connector.send(Outgoing("d1", "to be edited", (SHOP,), visibility="public"))
    gone = bob.connector.send(Outgoing("d2", "to be deleted", (SHOP,), visibility="public"))
    assert {e.external_id for e in shop.poll() if isinstance(e, MessageReceived)} == {
        kept.external_id,
        gone.external_id,
    }
    assert shop.poll() == []
    bob.connector.edit(kept.external_id, Outgoing("d3", "edited", (SHOP,)))
    bob.connector.delete(gone.external_id)
    bob.connector.delete(gone.external_id)  # twice is as good as once
    said = shop.connector.existence([gone.external_id]).found
    assert said[gone.external_id] in ("gone", "missing")
    later: list[object] = []
    until(lambda: later.extend(shop.poll()) or len(later) >= 3, "the second look", seconds=15)
    assert [e.external_id for e in later if isinstance(e, MessageDeleted)] == [gone.external_id]
    (edit,) = [e for e in later if isinstance(e, MessageEdited)]
    assert (edit.external_id, edit.text) == (kept.external_id, "@shop edited")
    assert shop.repeats == []


def test_a_second_try_with_the_same_key_is_the_same_post(shop: Channel) -> None:
    once = Outgoing("same-key", "only once", (BOB,), visibility="public")
    before = datetime.now(UTC) - timedelta(seconds=5)
    assert shop.connector.find_sent(once, since=before).state == "not_sent"
    assert shop.connector.send(once).external_id == shop.connector.send(once).external_id
    found = shop.connector.find_sent(once, since=before)
    assert found.state == "sent"
    other = Outgoing("other-key", "only once!", (BOB,), visibility="public")
    assert shop.connector.find_sent(other, since=before).state == "not_sent"


def test_private_posts_are_private_and_found(shop: Channel, bob: Channel) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    out = Outgoing("p1", "between us", (BOB,))
    receipt = shop.connector.send(out)
    (event,) = [
        e for e in bob.poll(40) if isinstance(e, MessageReceived) and e.external_id == receipt.external_id
    ]
    assert (event.visibility, event.extra["visibility"]) == ("private", "direct")
    assert shop.connector.find_sent(out, since=before).state in ("sent", "unknown")


def test_accounts_that_want_to_be_left_alone_are_marked(server: Mock, shop: Channel) -> None:
    with server.client("shy") as shy:
        shy.post(f"/api/v1/accounts/{shop.own.details['account_id']}/follow").raise_for_status()
    (event,) = [e for e in shop.poll() if isinstance(e, FollowReceived)]
    assert set(event.party.flags) == {"noindex", "protected"}
    assert event.party.automated


class Listening:
    """The stream in a thread, as the core reads it."""

    def __init__(self, channel: Channel) -> None:
        self.items: queue.Queue[RawItem] = queue.Queue()
        self.ended: list[BaseException] = []
        self.seen: list[RawItem] = []
        self._channel = channel
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for item in self._channel.connector.stream(self._channel.cursor):
                self.items.put(item)
        except ConnectorError as error:
            self.ended.append(error)

    def next(self, kind: type[object]) -> object:
        while True:
            item = self.items.get(timeout=20)
            self.seen.append(item)
            for event in self._channel.connector.parse(item):
                if isinstance(event, kind):
                    return event


def test_the_stream_tells_at_once_and_first_what_was_missed(shop: Channel, bob: Channel) -> None:
    missed = bob.connector.send(Outgoing("t0", "while you were away", (SHOP,), visibility="public"))
    live = Listening(shop)
    event = live.next(MessageReceived)
    assert isinstance(event, MessageReceived)
    assert event.external_id == missed.external_id
    receipt = bob.connector.send(Outgoing("t1", "live", (SHOP,), visibility="public"))
    event = live.next(MessageReceived)
    assert isinstance(event, MessageReceived)
    assert (event.external_id, event.text) == (receipt.external_id, "@shop live")
    # polling from the stream's cursor repeats nothing
    shop.cursor = live.seen[-1].cursor
    assert shop.poll() == []


def test_the_stream_tells_of_deletions(shop: Channel, bob: Channel, server: Mock) -> None:
    with server.client("shop") as client:
        client.post(f"/api/v1/accounts/{bob.own.details['account_id']}/follow").raise_for_status()
    live = Listening(shop)
    receipt = bob.connector.send(Outgoing("t2", "hasty", (SHOP,), visibility="public"))
    live.next(MessageReceived)
    bob.connector.edit(receipt.external_id, Outgoing("t3", "less hasty", (SHOP,)))
    edited = live.next(MessageEdited)
    assert isinstance(edited, MessageEdited)
    assert edited.text == "@shop less hasty"
    bob.connector.delete(receipt.external_id)
    gone = live.next(MessageDeleted)
    assert isinstance(gone, MessageDeleted)
    assert gone.external_id == receipt.external_id
