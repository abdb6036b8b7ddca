from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.connectors.mastodon.fake import FakeServer

from kith.connectors.conformance import Answer, Asked, ConnectorConformance, Fault, Kept, serving
from kith.connectors.contract import Outgoing, OwnIdentity, Party, Setup
from kith.connectors.mastodon.connector import Connector


class TestMastodon(ConnectorConformance):
    connector = Connector
    settings = {"server": "https://social.example"}
    secrets = {"access_token": "t0ken-to-look-for", "client_secret": "s3cret-to-look-for"}
    own = OwnIdentity(
        "https://social.example/users/shop",
        "@shop@social.example",
        details={"account_id": "109", "domain": "social.example"},
    )
    outgoing = Outgoing(
        "k1", "It left today.", (Party("x", "@bob@elsewhere.example", role="to"),), in_reply_to="2001"
    )
    unknown_kind = (
        b'{"type": "severed_relationships", "id": "9", "created_at": "2026-03-01T09:00:00Z", "account": null}'
    )

    @contextmanager
    def backlog(self, count: int) -> Iterator[Setup]:
        with serving(FakeServer(mentions=count)) as server:
            yield self.at_address(server.address)

    def kept(self, address: str) -> Kept:
        return {"1000": ("there", ""), "1001": ("gone", ""), "1002": ("missing", ""), "1003": (None, "")}

    def network(self, asked: Asked) -> Answer | Fault:
        server = FakeServer(mentions=1)
        server.faults = {"GET .*/1001": Answer({"error": "Gone"}, 410), "GET .*/1003": Answer(b"", 403)}
        return server(asked)


class TestMastodonThatGivesTheNewestFirst(TestMastodon):
    """snac2's way with `min_id`: the newest of what is new, not the oldest."""

    connector = Connector

    @contextmanager
    def backlog(self, count: int) -> Iterator[Setup]:
        with serving(FakeServer(mentions=count, newest_first=True)) as server:
            yield self.at_address(server.address)
