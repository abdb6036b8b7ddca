"""Versions, redirects, discovery, edits, deletions and pushes, against a server of our own."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from kith.base import clock
from kith.connectors.conformance import Answer, Asked, serving
from kith.connectors.conformance.base import loopback_guard, loopback_http
from kith.connectors.contract import (
    BadPayload,
    Event,
    Forged,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Page,
    ReconnectNeeded,
    Refused,
    RetryLater,
    Setup,
    WebhookRequest,
)
from kith.connectors.feeds.connector import Connector

ATOM = "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:at='http://purl.org/atompub/tombstones/1.0'>%s</feed>"


def make(url: str, since: datetime | None = None, **settings: str) -> Connector:
    return Connector(
        Setup(
            settings={"url": url, **settings},
            secrets={"websub_secret": "between-the-hub-and-us"},
            http=loopback_http(),
            guard=loopback_guard,
            history_since=since,
        )
    )


def entry(number: int, words: str, at: str = "2026-06-01T10:00:00Z") -> str:
    return (
        f"<entry><id>urn:e:{number}</id><title>No {number}</title><updated>{at}</updated>"
        f"<link href='https://blog.example/{number}'/><content type='html'>{words}</content></entry>"
    )


def events(connector: Connector, page: Page) -> list[Event]:
    return [event for item in page.items for event in connector.parse(item)]


def test_a_feed_without_news_costs_a_304() -> None:
    def respond(asked: Asked) -> Answer:
        if asked.headers.get("if-none-match") == 'W/"7"':
            assert asked.headers["if-modified-since"] == "Mon, 01 Jun 2026 10:00:00 GMT"
            return Answer(b"", 304)
        headers = {"ETag": 'W/"7"', "Last-Modified": "Mon, 01 Jun 2026 10:00:00 GMT"}
        return Answer((ATOM % entry(1, "hello")).encode(), 200, headers)

    with serving(respond) as server:
        page = make(server.address).fetch("", limit=10)
        assert [item.external_id for item in page.items] == ["urn:e:1"]
        again = make(server.address).fetch(page.cursor, limit=10)
        assert again.items == ()
        assert "if-none-match" in server.asked[1].headers


def test_the_version_is_kept_only_when_everything_was_handed_over() -> None:
    body = (ATOM % "".join(entry(n, "x", f"2026-06-0{n}T10:00:00Z") for n in (3, 2, 1))).encode()

    def respond(asked: Asked) -> Answer:
        return Answer(b"", 304) if asked.headers.get("if-none-match") else Answer(body, 200, {"ETag": '"1"'})

    with serving(respond) as server:
        first = make(server.address).fetch("", limit=2)
        assert first.more
        assert [item.external_id for item in first.items] == ["urn:e:1", "urn:e:2"]
        second = make(server.address).fetch(first.cursor, limit=2)
        assert [item.external_id for item in second.items] == ["urn:e:3"]
        assert not second.more


def test_edits_and_deletions() -> None:
    bodies = [
        entry(1, "twelve") + entry(2, "stays"),
        entry(1, "fourteen") + entry(2, "stays"),
        entry(1, "fourteen") + "<at:deleted-entry ref='urn:e:2' when='2026-06-05T08:00:00Z'/>",
        entry(1, "fourteen") + "<at:deleted-entry ref='urn:e:2' when='2026-06-05T08:00:00Z'/>",
    ]
    with serving(lambda _: Answer((ATOM % bodies[0]).encode())) as server:
        connector, cursor, seen = make(server.address), "", []
        while bodies:
            page = connector.fetch(cursor, limit=10)
            seen.append(events(connector, page))
            cursor = page.cursor
            bodies.pop(0)
            if not bodies:
                break
    assert [event.kind for event in seen[0]] == ["message_received"] * 2
    assert len(seen[1]) == 1
    assert isinstance(seen[1][0], MessageEdited)
    assert (seen[1][0].external_id, seen[1][0].text) == ("urn:e:1", "fourteen")
    assert seen[2] == [MessageDeleted("urn:e:2", datetime(2026, 6, 5, 8, tzinfo=UTC))]
    assert seen[3] == []


def test_history_begins_where_it_was_asked_to() -> None:
    body = (
        ATOM % (entry(2, "new", "2026-06-02T10:00:00Z") + entry(1, "old", "2020-01-01T10:00:00Z"))
    ).encode()
    with serving(lambda _: Answer(body)) as server:
        page = make(server.address, since=datetime(2026, 1, 1, tzinfo=UTC)).fetch("", limit=10)
        assert [item.external_id for item in page.items] == ["urn:e:2"]


def test_json_feed() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Shop",
        "language": "de-DE",
        "items": [
            {
                "id": 17,
                "url": "/posts/17",
                "content_html": "<p>Neue <em>Räder</em></p>",
                "date_published": "2026-06-01T12:00:00+02:00",
                "authors": [{"name": "Mia", "url": "https://mia.example/"}],
                "attachments": [
                    {"url": "https://shop.example/a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": "x"}
                ],
            },
            "not an item",
        ],
    }
    with serving(lambda _: Answer(feed)) as server:
        connector = make(server.address)
        (found,) = events(connector, connector.fetch("", limit=10))
    assert isinstance(found, MessageReceived)
    assert found.external_id == f"{server.address}#17"
    assert (found.text, found.language, found.url) == ("Neue Räder", "de", f"{server.address}/posts/17")
    assert found.at == datetime(2026, 6, 1, 10, tzinfo=UTC)
    assert found.parties[0].external_id == "https://mia.example"
    assert found.media[0].file_name == "a.mp3"


def test_a_page_leads_to_its_feeds() -> None:
    page = b"""<!doctype html><html><head><base href="/blog/"><link rel=stylesheet href=x.css>
    <link rel="alternate" type="application/rss+xml" title="Posts" href="feed">
    <link rel="alternate" type="application/rss+xml" title="Comments" href="comments/feed"></head>"""

    def respond(asked: Asked) -> Answer:
        if asked.path == "/blog/feed":
            return Answer((ATOM % ("<title>P</title>" + entry(1, "post"))).encode())
        if asked.path == "/blog/comments/feed":
            return Answer((ATOM % ("<title>C</title>" + entry(2, "comment"))).encode())
        return Answer(page, 200, {"Content-Type": "text/html"})

    with serving(respond) as server:
        own = make(server.address).check()
        assert (own.display_name, own.external_id) == ("P", f"{server.address}/blog/feed")
        connector = make(server.address, which="comments")
        assert connector.check().display_name == "C"
        first = connector.fetch("", limit=5)
        assert [item.external_id for item in first.items] == ["urn:e:2"]
        connector.fetch(first.cursor, limit=5)
        assert server.asked[-1].path == "/blog/comments/feed", "the page was asked again"


@pytest.mark.parametrize(("status", "kept"), [(301, "/new"), (308, "/new"), (302, "/old"), (307, "/old")])
def test_only_a_permanent_redirect_is_remembered(status: int, kept: str) -> None:
    def respond(asked: Asked) -> Answer:
        if asked.path == "/old":
            return Answer(b"", status, {"Location": "/new"})
        return Answer((ATOM % entry(1, "x")).encode())

    with serving(respond) as server:
        page = make(f"{server.address}/old").fetch("", limit=5)
        make(f"{server.address}/old").fetch(page.cursor, limit=5)
        assert server.asked[2].path == kept


def test_a_circle_of_redirects_ends() -> None:
    with (
        serving(lambda _: Answer(b"", 302, {"Location": "/"})) as server,
        pytest.raises(Refused, match="circles"),
    ):
        make(server.address).fetch("", limit=5)


@pytest.mark.parametrize(
    ("status", "headers", "error", "after"),
    [
        (410, {}, Refused, None),
        (401, {}, ReconnectNeeded, None),
        (403, {}, Refused, None),
        (429, {"Retry-After": "120"}, RetryLater, 120.0),
        (503, {"Retry-After": "Mon, 01 Jun 2026 10:10:00 GMT"}, RetryLater, 600.0),
        (404, {}, RetryLater, 3600.0),
    ],
)
def test_what_the_site_answers_is_named(
    status: int, headers: dict[str, str], error: type[Exception], after: float | None
) -> None:
    with (
        serving(lambda _: Answer(b"", status, headers)) as server,
        clock.frozen(datetime(2026, 6, 1, 10, tzinfo=UTC)),
    ):
        with pytest.raises(error) as raised:
            make(server.address).fetch("", limit=5)
        assert getattr(raised.value, "after", None) == after


def test_half_a_feed_hands_over_no_half_entry() -> None:
    whole = (ATOM % (entry(2, "two " * 50) + entry(1, "one " * 50))).encode()
    bodies = [whole[: whole.rindex(b"one one one")], whole]
    with serving(lambda _: Answer(bodies[0])) as server:
        connector = make(server.address)
        page = connector.fetch("", limit=5)
        assert [item.external_id for item in page.items] == ["urn:e:2"]
        bodies.pop(0)
        rest = connector.fetch(page.cursor, limit=5)
        (found,) = events(connector, rest)
        assert isinstance(found, MessageReceived)
        assert found.external_id == "urn:e:1"
    with (
        serving(lambda _: Answer(b"<rss version='2.0'><channel><item><ti")) as server,
        pytest.raises(BadPayload),
    ):
        make(server.address).fetch("", limit=5)


# --- WebSub


def test_websub_from_discovery_to_push() -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def respond(asked: Asked) -> Answer:
        if asked.path == "/hub":
            return Answer(b"", 202)
        links = f'<{server.address}/hub>; rel="hub", <https://blog.example/feed>; rel="self"'
        return Answer((ATOM % entry(1, "x")).encode(), 200, {"Link": links})

    def connect() -> Connector:
        return make(f"{server.address}/feed", callback_url="https://crm.example/hooks/7?k=1")

    with serving(respond) as server:
        with clock.frozen(now):
            page = connect().fetch("", limit=5)
        asks = [dict(parse_qsl(asked.body.decode())) for asked in server.asked if asked.path == "/hub"]
        assert len(asks) == 1
        ask = asks[0]
        assert (ask["hub.mode"], ask["hub.topic"]) == ("subscribe", "https://blog.example/feed")
        assert ask["hub.secret"] == "between-the-hub-and-us"
        with clock.frozen(now + timedelta(days=1)):
            page = connect().fetch(page.cursor, limit=5)
        assert sum(asked.path == "/hub" for asked in server.asked) == 1, "asked again within the lease"
        with clock.frozen(now + timedelta(days=4)):
            connect().fetch(page.cursor, limit=5)
        assert sum(asked.path == "/hub" for asked in server.asked) == 2, "the lease was not renewed"

        # The hub checks the address that it was given.
        query = dict(parse_qsl(urlsplit(ask["hub.callback"]).query))
        assert query["k"] == "1"
        query |= {"hub.mode": "subscribe", "hub.topic": ask["hub.topic"], "hub.challenge": "c-42"}
        answer = connect().challenge(WebhookRequest("GET", {}, query, b""))
        assert answer is not None
        assert (answer.status, answer.body) == (200, b"c-42")
        stranger = connect().challenge(
            WebhookRequest("GET", {}, query | {"hub.topic": "https://evil.example/"}, b"")
        )
        assert stranger is not None
        assert (stranger.status, stranger.body) != (200, b"c-42")
        assert connect().challenge(WebhookRequest("POST", {}, query, b"")) is None

        # And pushes.
        body = (ATOM % (entry(2, "pushed") + entry(1, "x"))).encode()
        for method in ("sha1", "sha256", "sha384", "sha512"):
            signature = hmac.new(b"between-the-hub-and-us", body, method).hexdigest()
            request = WebhookRequest("POST", {"x-hub-signature": f"{method}={signature}"}, {}, body)
            connect().verify(request, now=now)
        assert [item.external_id for item in connect().items(request)] == ["urn:e:1", "urn:e:2"]
        for header in ("", "sha256=", f"md5={hashlib.md5(body).hexdigest()}", f"sha256={'0' * 64}"):
            with pytest.raises(Forged):
                connect().verify(WebhookRequest("POST", {"x-hub-signature": header}, {}, body), now=now)


def test_a_hub_that_fails_does_not_stop_the_polling() -> None:
    def respond(asked: Asked) -> Answer:
        if asked.path == "/hub":
            return Answer(b"", 500)
        body = {
            "items": [{"id": "1", "content_text": "x"}],
            "hubs": [{"type": "WebSub", "url": f"{server.address}/hub"}],
        }
        return Answer(json.dumps(body).encode())

    with serving(respond) as server:
        page = make(server.address, callback_url="https://crm.example/hooks/7").fetch("", limit=5)
        assert len(page.items) == 1
        assert server.asked[-1].path == "/hub"


@pytest.mark.parametrize("content_type", ["", "text/xml", "application/rss+xml", "text/xml; charset=utf-8"])
def test_undeclared_bytes_are_utf_8(content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    with serving(lambda _: Answer((ATOM % entry(1, "Müßig 🔔")).encode(), 200, headers)) as server:
        connector = make(server.address)
        (found,) = events(connector, connector.fetch("", limit=5))
    assert isinstance(found, MessageReceived)
    assert found.text == "Müßig 🔔"


def test_a_declared_charset_counts() -> None:
    body = (ATOM % entry(1, "Müßig")).encode("latin-1")
    with serving(lambda _: Answer(body, 200, {"Content-Type": "text/xml; charset=iso-8859-1"})) as server:
        connector = make(server.address)
        (found,) = events(connector, connector.fetch("", limit=5))
    assert isinstance(found, MessageReceived)
    assert found.text == "Müßig"
