"""Against a real network: what people do there comes in, what we answer arrives."""

from __future__ import annotations

import io
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from tests.support.atproto_network import Network, Person, until

from kith.base import clock, ids
from kith.connectors.bluesky import xrpc as xrpc_module
from kith.connectors.bluesky.connector import Connector
from kith.connectors.conformance.base import Crash, crashing_http, loopback_guard, loopback_http
from kith.connectors.contract import (
    Event,
    HttpFactory,
    Media,
    MessageReceived,
    Outgoing,
    Party,
    ReconnectNeeded,
    Refused,
    Setup,
)

pytestmark = pytest.mark.realserver


class Channel:
    """Our account as the core would use it: a new connector for each call, the cursor kept in between."""

    def __init__(self, network: Network, person: Person, http: HttpFactory | None = None) -> None:
        self.person = person
        self.network = network
        self.http = http or loopback_http()
        self.cursor = ""

    def connector(self, password: str = "") -> Connector:
        settings = {
            "service": self.network.pds.replace("localhost", "127.0.0.1"),
            "handle": self.person.handle,
        }
        secrets = {"app_password": password or self.person.password}
        return Connector(Setup(settings=settings, secrets=secrets, http=self.http, guard=loopback_guard))

    def poll(self, limit: int = 50) -> list[Event]:
        found: list[Event] = []
        while True:
            page = self.connector().fetch(self.cursor, limit=limit)
            assert len(page.items) <= limit
            found += [event for item in page.items for event in self.connector().parse(item)]
            self.cursor = page.cursor
            if not page.more:
                return found

    def wait_for(self, kind: str, count: int = 1) -> list[Any]:
        """Poll until `count` events of a kind came, and no more than that."""
        found: list[Event] = []

        def enough() -> bool:
            found.extend(event for event in self.poll() if event.kind == kind)
            return len(found) >= count

        until(enough, what=f"{count} {kind}")
        assert len(found) == count
        return found


@pytest.fixture(scope="module")
def ann(atproto_network: Network) -> Person:
    return atproto_network.person("ann", display_name="Ann Nouk 🚲")


@pytest.fixture
def channel(atproto_network: Network) -> Channel:
    return Channel(atproto_network, atproto_network.person("shop", display_name="The Shop"))


def picture(width: int = 60, height: int = 40, *, noise: bool = False) -> bytes:
    image = (
        Image.effect_noise((width, height), 90).convert("RGB")
        if noise
        else Image.new("RGB", (width, height), "red")
    )
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def says(person: Person, text: str, **more: Any) -> Any:
    return person.client.com.atproto.repo.create_record(
        {
            "repo": person.did,
            "collection": "app.bsky.feed.post",
            "record": {
                "$type": "app.bsky.feed.post",
                "text": text,
                "createdAt": person.client.get_current_time_iso(),
                **more,
            },
        }
    )


def mention(text: str, of: Person) -> list[dict[str, Any]]:
    start = text.encode().index(f"@{of.handle}".encode())
    feature = {"$type": "app.bsky.richtext.facet#mention", "did": of.did}
    return [{"index": {"byteStart": start, "byteEnd": start + len(of.handle) + 1}, "features": [feature]}]


def test_check_names_us_and_a_wrong_password(channel: Channel) -> None:
    own = channel.connector().check()
    assert (own.external_id, own.handle) == (channel.person.did, f"@{channel.person.handle}")
    assert own.display_name == "The Shop"
    with pytest.raises(ReconnectNeeded) as refused:
        channel.connector(password="not-the-password").check()
    assert refused.value.field == "app_password"


def test_mention_reply_quote_follow_like_and_repost_come_in(channel: Channel, ann: Person) -> None:
    ours = channel.connector().publish(Outgoing(str(ids.new_id()), "Our new bell is here", to=()))
    strong = {"uri": ours.external_id, "cid": json.loads(ours.raw)["cid"]}
    text = f"🔔 hello @{channel.person.handle}, it is silent: example.com/a..."
    facets = mention(text, channel.person)
    start = text.encode().index(b"example.com")
    link = {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com/a/long/way"}
    facets.append({"index": {"byteStart": start, "byteEnd": len(text.encode())}, "features": [link]})
    blob = ann.client.upload_blob(picture()).blob
    images = {"$type": "app.bsky.embed.images", "images": [{"image": blob, "alt": "a red bell"}]}
    mentioned = says(ann, text, facets=facets, langs=["de-AT"], embed=images)
    reply = says(ann, "Mine rings.", reply={"root": strong, "parent": strong})
    quote = says(ann, "Look at this", embed={"$type": "app.bsky.embed.record", "record": strong})
    until(lambda: _like(ann, strong), what="a like")
    ann.client.repost(strong["uri"], strong["cid"])
    ann.client.follow(channel.person.did)

    events: list[Event] = []
    until(lambda: events.extend(channel.poll()) or len(events) >= 6, what="six notifications")
    assert len(events) == 6
    by_id = {event.external_id: event for event in events}
    first = by_id[mentioned.uri]
    assert isinstance(first, MessageReceived)
    assert first.text == f"🔔 hello @{channel.person.handle}, it is silent: https://example.com/a/long/way"
    assert (first.language, first.visibility, first.own_thread_key) == ("de", "public", mentioned.uri)
    author = first.parties[0]
    assert (author.external_id, author.realm, author.handle) == (ann.did, "", f"@{ann.handle}")
    assert (author.display_name, author.verified, author.is_us) == ("Ann Nouk 🚲", "network", False)
    assert [(party.external_id, party.role, party.is_us) for party in first.parties[1:]] == [
        (channel.person.did, "mentioned", True)
    ]
    assert [(media.alt_text, media.content_type) for media in first.media] == [("a red bell", "image/jpeg")]
    assert "/feed_fullsize/" in first.media[0].url

    answer = by_id[reply.uri]
    assert isinstance(answer, MessageReceived)
    assert answer.thread_keys == (ours.external_id,)
    assert answer.in_reply_to == ours.external_id
    assert [(party.role, party.is_us) for party in answer.parties] == [("from", False), ("to", True)]

    quoting = by_id[quote.uri]
    assert isinstance(quoting, MessageReceived)
    assert quoting.quote_at is not None
    assert quoting.text[: quoting.quote_at].strip() == "Look at this"
    assert quoting.text[quoting.quote_at :] == f"@{channel.person.handle}:\nOur new bell is here\n{ours.url}"
    kinds = sorted((event.kind, getattr(event, "reaction", "")) for event in events)
    assert kinds[0] == ("follow_received", "")
    assert kinds[-2:] == [("reaction_received", "boost"), ("reaction_received", "like")]
    assert {event.on for event in events if event.kind == "reaction_received"} == {ours.external_id}
    assert channel.poll() == [], "they came again"

    counts = channel.connector().metrics(ours.external_id)
    assert counts == {"likes": 1, "reposts": 1, "replies": 1, "quotes": 1}


def _like(person: Person, strong: dict[str, str]) -> bool:
    person.client.like(strong["uri"], strong["cid"])
    return True


def test_a_deleted_post_is_deleted_here(channel: Channel, ann: Person) -> None:
    text = f"@{channel.person.handle} I will regret this"
    said = says(ann, text, facets=mention(text, channel.person))
    kept = says(ann, text + " but not this", facets=mention(text, channel.person))
    channel.wait_for("message_received", 2)
    ann.client.delete_post(said.uri)
    (gone,) = channel.wait_for("message_deleted")
    assert gone.external_id == said.uri
    found = channel.connector().existence([said.uri, kept.uri, "not an address"]).found
    assert found == {said.uri: "gone", kept.uri: "there"}
    assert channel.poll() == []
    assert kept.uri in channel.cursor
    assert said.uri not in channel.cursor


def test_a_post_hidden_by_a_block_is_not_deleted(channel: Channel, atproto_network: Network) -> None:
    person = atproto_network.person("shy")
    labels = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "!no-unauthenticated"}]}
    profile = {"$type": "app.bsky.actor.profile", "labels": labels}
    person.client.com.atproto.repo.put_record(
        {"repo": person.did, "collection": "app.bsky.actor.profile", "rkey": "self", "record": profile}
    )
    text = f"@{channel.person.handle} not for everybody"
    said = says(person, text, facets=mention(text, channel.person))
    (received,) = channel.wait_for("message_received")
    assert received.parties[0].flags == ("noindex",)
    block = {"$type": "app.bsky.graph.block", "subject": channel.person.did}
    block["createdAt"] = person.client.get_current_time_iso()
    person.client.com.atproto.repo.create_record(
        {"repo": person.did, "collection": "app.bsky.graph.block", "record": block}
    )
    until(lambda: not channel.connector()._xrpc.get("app.bsky.feed.getPosts", {"uris": [said.uri]})["posts"])
    assert channel.connector().existence([said.uri]).found == {}
    assert channel.poll() == []
    person.client.delete_post(said.uri)
    (gone,) = channel.wait_for("message_deleted")
    assert gone.external_id == said.uri


def test_a_new_handle_is_the_same_person(channel: Channel, atproto_network: Network) -> None:
    person = atproto_network.person("carla")
    text = f"@{channel.person.handle} hi"
    says(person, text, facets=mention(text, channel.person))
    (before,) = channel.wait_for("message_received")
    renamed = f"carla-{uuid.uuid4().hex[:6]}.test"
    person.client.com.atproto.identity.update_handle({"handle": renamed})
    (updated,) = channel.wait_for("profile_updated")
    assert updated.party.external_id == before.parties[0].external_id == person.did
    assert updated.party.handle == f"@{renamed}"
    assert channel.poll() == []


def test_our_reply_arrives_with_facets_and_a_picture(channel: Channel, ann: Person) -> None:
    text = f"@{channel.person.handle} is it ready?"
    asked = says(ann, text, facets=mention(text, channel.person))
    (received,) = channel.wait_for("message_received")
    words = f"👩‍🔧 Ready, @{ann.handle}! See https://shop.example/order?id=7. #Übergabe"
    outgoing = Outgoing(
        idempotency_key=str(ids.new_id()),
        text=words,
        to=(Party(ann.did, handle=f"@{ann.handle}", role="to"),),
        in_reply_to=received.external_id,
        thread_key=received.own_thread_key,
        visibility="public",
        language="en",
        media=(
            Media("bell.png", "image/png", content=picture(), alt_text="The bell, mended"),
            Media("large.png", "image/png", content=picture(1500, 1100, noise=True), alt_text="Noise"),
        ),
    )
    connector = channel.connector()
    assert connector.find_sent(outgoing, since=clock.now()).state == "not_sent"
    receipt = connector.send(outgoing)
    assert receipt.thread_key == asked.uri
    assert channel.connector().send(outgoing).external_id == receipt.external_id, "it was sent twice"
    found = connector.find_sent(outgoing, since=clock.now() - timedelta(minutes=1))
    assert found.state == "sent"
    assert found.receipt is not None
    assert found.receipt.external_id == receipt.external_id

    def notified() -> Any:
        said = ann.client.app.bsky.notification.list_notifications().notifications
        return next((one for one in said if one.uri == receipt.external_id), None)

    there = until(notified, what="our reply")
    assert there.author.did == channel.person.did
    assert there.record.text == words
    assert there.record.reply.parent.uri == asked.uri
    raw = words.encode()
    shown = {
        raw[facet.index.byte_start : facet.index.byte_end].decode(): facet.features[0]
        for facet in there.record.facets
    }
    assert shown[f"@{ann.handle}"].did == ann.did
    assert shown["https://shop.example/order?id=7"].uri == "https://shop.example/order?id=7"
    assert shown["#Übergabe"].tag == "Übergabe"
    view = ann.client.get_posts([receipt.external_id]).posts[0]
    assert [image.alt for image in view.embed.images] == ["The bell, mended", "Noise"]
    thread = ann.client.get_post_thread(asked.uri).thread
    assert [reply.post.uri for reply in thread.replies] == [receipt.external_id]

    connector.delete(receipt.external_id)
    connector.delete(receipt.external_id)
    until(lambda: not ann.client.get_posts([receipt.external_id]).posts, what="the deletion")
    with pytest.raises(Refused, match="gone"):
        connector.metrics(receipt.external_id)
    with pytest.raises(Refused, match="Only posts of this account"):
        connector.delete(asked.uri)
    ann.client.delete_post(asked.uri)
    until(lambda: not ann.client.get_posts([asked.uri]).posts, what="the deletion of the question")
    with pytest.raises(Refused, match="gone"):
        connector.send(Outgoing(str(ids.new_id()), "late", to=(), visibility="public", in_reply_to=asked.uri))


def test_an_answer_to_our_own_answer_keeps_the_root(channel: Channel, ann: Person) -> None:
    first = channel.connector().publish(Outgoing("a key that is no uuid", "one", to=()))
    second = channel.connector().send(
        Outgoing(str(ids.new_id()), "two", to=(), visibility="public", in_reply_to=first.external_id)
    )
    third = channel.connector().send(
        Outgoing(str(ids.new_id()), "three", to=(), visibility="public", in_reply_to=second.external_id)
    )
    assert {second.thread_key, third.thread_key} == {first.external_id}
    reply = json.loads(third.raw)["value"]["reply"]
    assert reply["parent"]["uri"] == second.external_id
    assert reply["root"] == {"uri": first.external_id, "cid": json.loads(first.raw)["cid"]}


def test_an_answer_from_the_phone_counts(channel: Channel, ann: Person) -> None:
    text = f"@{channel.person.handle} open on Sunday?"
    asked = says(ann, text, facets=mention(text, channel.person))
    channel.wait_for("message_received")
    parent = {"uri": asked.uri, "cid": asked.cid}
    says(channel.person, "A post of our own is no answer")
    channel.person.client.repost(asked.uri, asked.cid)
    answer = says(channel.person, "We are!", reply={"root": parent, "parent": parent})
    (found,) = channel.wait_for("message_received")
    assert (found.external_id, found.text, found.outgoing) == (answer.uri, "We are!", True)
    assert (found.own_thread_key, found.parties[0].is_us) == (asked.uri, True)
    assert [(party.external_id, party.role) for party in found.parties[1:]] == [(ann.did, "to")]
    assert channel.poll() == []
    channel.person.client.delete_post(answer.uri)
    (gone,) = channel.wait_for("message_deleted")
    assert gone.external_id == answer.uri


def test_a_public_post_to_somebody_names_them(channel: Channel, ann: Person) -> None:
    to = (Party(ann.did, handle=f"@{ann.handle}", role="to"),)
    receipt = channel.connector().send(
        Outgoing(str(ids.new_id()), "your bell is here", to=to, visibility="public")
    )

    def notified() -> Any:
        said = ann.client.app.bsky.notification.list_notifications().notifications
        return next((one for one in said if one.reason == "mention" and one.uri == receipt.external_id), None)

    assert until(notified, what="the mention").record.text == f"@{ann.handle} your bell is here"


def test_somebody_is_found_by_the_handle_that_was_typed(channel: Channel, ann: Person) -> None:
    found = channel.connector().find(f"@{ann.handle.upper()}")
    assert (found.external_id, found.handle, found.role) == (ann.did, f"@{ann.handle}", "to")
    with pytest.raises(Refused) as caught:
        channel.connector().find("@nobody-at-all.test")
    assert (caught.value.field, "nobody-at-all.test" in str(caught.value)) == ("to", True)


def test_nothing_private_becomes_a_post(channel: Channel, ann: Person) -> None:
    to = (Party(ann.did, handle=f"@{ann.handle}", role="to"),)
    with pytest.raises(Refused, match="public post"):
        channel.connector().send(Outgoing(str(ids.new_id()), "between us", to=to, visibility="private"))


def test_a_backlog_survives_every_crash(channel: Channel, ann: Person) -> None:
    texts = [f"@{channel.person.handle} number {number}" for number in range(12)]
    uris = [says(ann, text, facets=mention(text, channel.person)).uri for text in texts]
    until(lambda: len(Channel(channel.network, channel.person).poll()) == 12, what="twelve mentions")
    for at in range(1, 60):
        dying = Channel(channel.network, channel.person, crashing_http(loopback_http(), at=at))
        kept: list[str] = []
        more, crashed = True, False
        while more:
            try:
                page = dying.connector().fetch(dying.cursor, limit=5)
            except Crash:
                crashed = True
                break
            kept += [item.external_id for item in page.items]
            dying.cursor, more = page.cursor, page.more
        after = Channel(channel.network, channel.person)
        after.cursor = dying.cursor
        kept += [event.external_id for event in after.poll(limit=5)]
        assert kept == uris, f"after a crash at request {at}"
        if not crashed:
            break
    else:
        raise AssertionError("it never came to an end")
    late = says(ann, texts[0], facets=mention(texts[0], channel.person)).uri
    assert [event.external_id for event in after.wait_for("message_received")] == [late]


def test_search_finds_what_others_say(channel: Channel, ann: Person) -> None:
    word = f"velo{uuid.uuid4().hex[:8]}"
    uris = [says(ann, f"the {word} bell, part {number}").uri for number in range(7)]

    def find(cursor: str) -> tuple[list[Event], str]:
        found: list[Event] = []
        while True:
            page = channel.connector().search(word, cursor, limit=3)
            found += [event for item in page.items for event in channel.connector().parse(item)]
            cursor = page.cursor
            if not page.more:
                return found, cursor

    until(lambda: len(find("")[0]) == 7, what="seven posts found")
    found, cursor = find("")
    assert [event.external_id for event in found] == uris
    assert all(isinstance(event, MessageReceived) for event in found)
    assert find(cursor)[0] == []
    ann.client.delete_post(uris[3])
    gone: list[Event] = []

    def deleted() -> bool:
        nonlocal cursor
        events, cursor = find(cursor)
        gone.extend(events)
        return bool(gone)

    until(deleted, what="the deletion of a post that a search found")
    assert [(event.kind, event.external_id) for event in gone] == [("message_deleted", uris[3])]


def test_an_expired_session_is_renewed(channel: Channel) -> None:
    channel.poll()
    (session,) = [one for one in xrpc_module._sessions.values() if one.did == channel.person.did]
    session.access = session.access[:-6] + "AAAAAA"
    assert channel.poll() == []
    tokens = channel.connector().refresh()
    assert set(tokens) == {"access_jwt", "refresh_jwt"}
    assert channel.poll() == []
