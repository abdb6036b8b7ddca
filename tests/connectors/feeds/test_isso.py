"""Comments of a real blog comment server, through its Atom feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.isso_server import PAGE, isso_server

from kith.base import clock
from kith.connectors.conformance.base import loopback_guard, loopback_http
from kith.connectors.contract import MessageReceived, Setup
from kith.connectors.feeds.connector import Connector

pytestmark = pytest.mark.realserver


def _connector(url: str) -> Connector:
    return Connector(Setup(settings={"url": url}, secrets={}, http=loopback_http(), guard=loopback_guard))


def test_comments_come_in_once_under_their_page(tmp_path: Path) -> None:
    with isso_server(tmp_path) as isso:
        first = isso.comment("My **bell** is silent 🔔", author="Ann Nouk", website="https://ann.example")
        reply = isso.comment("Turn it over once.", author="Zoë", parent=first)
        isso.comment("nobody in particular")
        isso.comment("nobody else")
        connector = _connector(isso.feed_url)
        assert connector.check().display_name == f"Comments for blog.example{PAGE}"

        page = connector.fetch("", limit=50)
        messages = [event for item in page.items for event in connector.parse(item)]
        assert all(isinstance(message, MessageReceived) for message in messages)
        received = [message for message in messages if isinstance(message, MessageReceived)]
        assert [message.text for message in received] == [
            "My bell is silent 🔔",
            "Turn it over once.",
            "nobody in particular",
            "nobody else",
        ]
        assert {message.own_thread_key for message in received} == {f"http://blog.example{PAGE}"}
        assert {message.visibility for message in received} == {"public"}
        assert received[1].in_reply_to == received[0].external_id
        assert received[1].external_id.endswith(f"/{reply}")
        authors = [message.parties[0] for message in received]
        assert [author.display_name for author in authors[:2]] == ["Ann Nouk", "Zoë"]
        assert {author.verified for author in authors} == {"none"}
        assert len({(author.realm, author.external_id) for author in authors}) == 4, (
            "two strangers became one"
        )

        again = connector.fetch(page.cursor, limit=50)
        assert again.items == ()


def test_what_hides_behind_an_unchanged_etag_is_found(tmp_path: Path) -> None:
    """isso's ETag names its newest top comment only: an edit or a reply leaves it as it was, and 304 hides them."""
    with isso_server(tmp_path) as isso:
        old = isso.comment("The bell costs 12 euros", author="Ann")
        isso.comment("Thanks", author="Bob")
        connector = _connector(isso.feed_url)
        page = connector.fetch("", limit=50)
        assert len(page.items) == 2
        isso.edit(old, "The bell costs 14 euros")
        isso.comment("Since when?", author="Cem", parent=old)
        soon = connector.fetch(page.cursor, limit=50)
        assert soon.items == (), "this isso is better than it was; the test needs another server that lies"
        hour_later = datetime.now(tz=UTC) + timedelta(minutes=61)
        with clock.frozen(hour_later):
            later = connector.fetch(soon.cursor, limit=50)
            events = [event for item in later.items for event in connector.parse(item)]
        assert [(event.kind, getattr(event, "text", "")) for event in events] == [
            ("message_edited", "The bell costs 14 euros"),
            ("message_received", "Since when?"),
        ]

        isso.comment("Since May.", author="Ann", parent=old)
        with clock.frozen(hour_later + timedelta(minutes=1)):
            at_once = connector.fetch(later.cursor, limit=50)
        assert len(at_once.items) == 1, "a server whose versions lie was believed again"
