"""The conformance suite, against a service that hands out notifications."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kith.connectors.bluesky.connector import Connector
from kith.connectors.conformance import Answer, Asked, ConnectorConformance, Kept, serving
from kith.connectors.contract import Outgoing, OwnIdentity, Party, Setup

DID = "did:plc:us"
SESSION = {
    "did": DID,
    "handle": "shop.example",
    "accessJwt": "access-of-the-test",
    "refreshJwt": "renewal-of-the-test",
}


def notification(number: int) -> dict[str, Any]:
    at = f"2026-06-01T10:{number:02d}:00.000Z"
    return {
        "uri": f"at://did:plc:ann/app.bsky.feed.post/k{number}",
        "cid": f"c{number}",
        "author": {"did": "did:plc:ann", "handle": "ann.example"},
        "reason": "mention",
        "record": {"$type": "app.bsky.feed.post", "text": f"number {number}", "createdAt": at},
        "indexedAt": at,
    }


class TestBluesky(ConnectorConformance):
    connector = Connector
    settings = {"service": "https://service.example", "handle": "shop.example"}
    secrets = {"app_password": "abcd-efgh-ijkl-mnop"}
    own = OwnIdentity(external_id=DID, handle="@shop.example")
    outgoing = Outgoing(
        idempotency_key="k1",
        text="Hello",
        to=(Party("did:plc:ann", handle="@ann.example", role="to"),),
        visibility="public",
    )
    unknown_kind = b'{"starterpack": {"uri": "at://did:plc:ann/app.bsky.graph.starterpack/1"}}'

    def healthy(self) -> dict[str, Any]:
        return {"/xrpc/com.atproto.server.createSession": SESSION}

    @contextmanager
    def backlog(self, count: int) -> Iterator[Setup]:
        everything = [notification(number) for number in reversed(range(count))]

        def respond(asked: Asked) -> Answer:
            if asked.path.endswith("createSession"):
                return Answer(SESSION)
            if asked.path.endswith("getPosts"):
                return Answer({"posts": everything})
            if asked.path.endswith("getAuthorFeed"):
                return Answer({"feed": []})
            start = int(asked.query.get("cursor") or 0)
            stop = start + int(asked.query["limit"])
            following = {"cursor": str(stop)} if stop < count else {}
            return Answer({"notifications": everything[start:stop], **following})

        with serving(respond) as server:
            yield self.setup(settings={"service": server.address})

    def kept(self, address: str) -> Kept:
        of_ann = "at://did:plc:ann/app.bsky.feed.post/"
        return {
            f"{of_ann}k1": ("there", ""),
            f"{of_ann}k2": ("gone", ""),
            f"{of_ann}k3": (None, ""),
            "x": (None, ""),
        }

    def network(self, asked: Asked) -> Answer:
        if asked.path.endswith("createSession"):
            return Answer(SESSION)
        if asked.path.endswith("getPosts"):
            return Answer({"posts": [notification(1)]})
        if asked.query["rkey"] == "k3":  # hidden by a block
            return Answer({"uri": "at://did:plc:ann/app.bsky.feed.post/k3", "value": {}})
        return Answer({"error": "RecordNotFound", "message": "Could not locate record"}, 400)


def test_an_expired_page_address_starts_the_walk_anew() -> None:
    everything = [notification(number) for number in reversed(range(9))]
    valid = {"addresses": True}

    def respond(asked: Asked) -> Answer:
        if asked.path.endswith("createSession"):
            return Answer(SESSION)
        if asked.path.endswith("getAuthorFeed"):
            return Answer({"feed": []})
        if asked.path.endswith("getPosts"):
            return Answer({"posts": everything})
        address = asked.query.get("cursor") or ""
        if address and not valid["addresses"]:
            valid["addresses"] = True
            return Answer({"error": "InvalidRequest", "message": "Malformed cursor"}, 400)
        start = int(address or 0)
        stop = start + int(asked.query["limit"])
        following = {"cursor": str(stop)} if stop < 9 else {}
        return Answer({"notifications": everything[start:stop], **following})

    with serving(respond) as server:
        setup = TestBluesky().setup(settings={"service": server.address})
        cursor, found, more = "", list[str](), True
        while more:
            page = Connector(setup).fetch(cursor, limit=2)
            found += [item.external_id for item in page.items]
            cursor, more = page.cursor, page.more
            if len(found) == 4:
                valid["addresses"] = False
    assert found == [one["uri"] for one in reversed(everything)]
