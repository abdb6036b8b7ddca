"""What its author deletes on a real network is gone here within five minutes, in a real house, by its own processes."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.support import mastodonmock
from tests.support.atproto_network import Network, Person, atproto_network
from tests.support.kithprocess import ROOT, Kith, kith
from tests.support.telling import Tell

__all__ = ["atproto_network"]
pytestmark = pytest.mark.realserver
PROMISED = 300.0  # seconds
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# Words, quotes, what was concluded, what was told and written: where a message that came leaves traces.
TRACES = {
    "conversations_message", "conversations_searchdocument", "contacts_fact", "conversations_draft", "teams_notification",
    "channels_rawitem",
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    word: str
    delete: Callable[[], object]


def inside(house: Kith, *arguments: Any) -> Any:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom tests.support.gone import main; main(*{arguments!r})"
    return json.loads(house.python(code).splitlines()[-1])


def word() -> str:
    return f"quokka{uuid.uuid4().hex[:10]}"


def on_bluesky(house: Kith, network: Network, shop: Person) -> Said:
    ann, told = network.person("ann"), word()
    values = {
        "service": network.pds.replace("localhost", "127.0.0.1"),
        "handle": shop.handle,
        "app_password": shop.password,
    }
    inside(house, "connect", "bluesky", values)
    text = f"@{shop.handle} I look for a {told}"
    spot = {"byteStart": 0, "byteEnd": len(shop.handle) + 1}
    named = [
        {"index": spot, "features": [{"$type": "app.bsky.richtext.facet#mention", "did": shop.did}]},
    ]
    record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": ann.client.get_current_time_iso()}
    post = ann.client.com.atproto.repo.create_record(
        {"repo": ann.did, "collection": "app.bsky.feed.post", "record": record | {"facets": named}}
    )
    return Said(told, lambda: ann.client.delete_post(post.uri))


def on_mastodon(house: Kith, server: mastodonmock.Mock) -> Said:
    told = word()
    with server.client("bob") as bob, server.client("shop") as shop:
        them = bob.get("/api/v1/accounts/verify_credentials").json()["id"]
        shop.post(f"/api/v1/accounts/{them}/follow").raise_for_status()
        inside(
            house, "connect", "mastodon", {"server": server.address, "access_token": server.tokens["shop"]}
        )
        post = bob.post("/api/v1/statuses", json={"status": f"@shop I look for a {told}"}).json()["id"]

    def delete() -> None:
        with server.client("bob") as bob:
            bob.delete(f"/api/v1/statuses/{post}").raise_for_status()

    return Said(told, delete)


def by_webhook(house: Kith) -> Said:
    told, post = word(), uuid.uuid4().hex
    account = inside(house, "connect", "webhook", {"signing_secret": SECRET})

    def tell(kind: str, **data: Any) -> None:
        moment, key = datetime.now(tz=UTC), f"msg_{uuid.uuid4().hex}"
        body = json.dumps({"type": kind, "timestamp": moment.isoformat(), "data": data})
        headers = {
            "webhook-id": key,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(key, moment, body),
            "content-type": "application/json",
        }
        httpx.post(f"{house.url}/hooks/{account}/", content=body, headers=headers).raise_for_status()

    tell(
        "message.received",
        id=post,
        text=f"I look for a {told}",
        visibility="public",
        **{"from": {"id": "ada"}},
    )
    return Said(told, lambda: tell("message.deleted", id=post))


def test_a_deletion_is_followed_within_five_minutes(
    atproto_network: Network, tell: Tell, figures: Callable[[dict[str, object]], None]
) -> None:
    shop = atproto_network.person("shop")
    with (
        mastodonmock.running() as server,
        kith(ready=True, env={"KITH_ALLOWED_NETWORKS": "127.0.0.0/8"}) as house,
    ):
        house.up()
        said = {
            "bluesky": on_bluesky(house, atproto_network, shop),
            "mastodon": on_mastodon(house, server),
            "webhook": by_webhook(house),
        }
        planted = {name: inside(house, "plant", one.word) for name, one in said.items()}
        for name, one in planted.items():
            assert set(one["tables"]) >= TRACES, name
        touches = {one.word: planted[name]["touch"] for name, one in said.items()}
        with ThreadPoolExecutor(1) as pool:
            watching = pool.submit(inside, house, "watch", touches)
            begun = {}
            for name, one in said.items():
                one.delete()
                begun[name] = time.time()
            gone = watching.result()
        seconds = {
            name: {what: round(at - begun[name], 1) for what, at in gone[one.word].items()}
            for name, one in said.items()
        }
    figures(dict(seconds))
    tell(json.dumps(seconds))
    for name, found in seconds.items():
        assert set(found) == {"words", "denied"}, (name, found)
        assert max(found.values()) <= PROMISED, (name, found)
