"""The conformance suite, against a server that hands out a feed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from kith.connectors.conformance import Answer, Asked, ConnectorConformance, Kept, serving
from kith.connectors.contract import Setup, WebhookRequest
from kith.connectors.feeds.connector import Connector

SECRET = "a-secret-for-the-hub"


def rss(count: int) -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>g{n}</guid><title>Post {n}</title><link>https://blog.example/{n}</link>"
        f"<pubDate>Mon, {n + 1:02d} Jun 2026 10:00:00 GMT</pubDate><description>Words {n}</description></item>"
        for n in reversed(range(count))
    )
    return f"<rss version='2.0'><channel><title>Blog</title>{items}</channel></rss>".encode()


class TestFeeds(ConnectorConformance):
    connector = Connector
    no_replay_window = "WebSub signs no time; what is pushed again has the same ids and changes nothing"
    settings = {"url": "https://blog.example/feed"}
    secrets = {"websub_secret": SECRET}
    one_kind = "every item is an entry of a feed, or its tombstone, and written by the connector itself"

    @contextmanager
    def backlog(self, count: int) -> Iterator[Setup]:
        def respond(asked: Asked) -> Answer:
            if asked.headers.get("if-none-match") == '"v1"':
                return Answer(b"", 304)
            return Answer(rss(count), 200, {"ETag": '"v1"', "Content-Type": "application/rss+xml"})

        with serving(respond) as server:
            yield self.setup(settings={"url": server.address})

    def kept(self, address: str) -> Kept:
        return {
            "urn:there": ("there", f"{address}/there"),
            "urn:comment": (None, f"{address}/there#comment-3"),
            "urn:comment-of-a-page-that-is-gone": ("gone", f"{address}/gone#comment-4"),
            "urn:gone": ("gone", f"{address}/gone"),
            "urn:missing": ("missing", f"{address}/missing"),
            "urn:login": (None, f"{address}/login"),
            "urn:not-for-robots": (None, f"{address}/private/gone"),
            "urn:elsewhere": (None, "http://news.example/gone"),
            "urn:no-page": (None, ""),
            "urn:not-an-address": (None, "http://[gone"),
        }

    def network(self, asked: Asked) -> Answer:
        if asked.path == "/robots.txt":
            return Answer(b"User-agent: *\nDisallow: /private/\n")
        return Answer(b"<p>", {"/there": 200, "/login": 401, "/missing": 404}.get(asked.path, 410))

    def signed_request(self, now: datetime) -> WebhookRequest:
        body = rss(2)
        signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/rss+xml", "x-hub-signature": signature}
        return WebhookRequest("POST", headers, {}, body)
