"""Against snac2, a real server: log-in, mention, answer, private mention, like, boost, follow, edit, and its traps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import httpx
import pytest
from tests.connectors.mastodon.real import Channel, setup_for
from tests.support import snac
from tests.support.snac import ADDRESS, Snac, until

from kith.connectors.contract import (
    Event,
    FollowReceived,
    Media,
    MessageEdited,
    MessageReceived,
    NotSupported,
    Outgoing,
    Party,
    ReactionReceived,
    ReconnectNeeded,
    Refused,
)
from kith.connectors.mastodon.connector import Connector

pytestmark = pytest.mark.realserver
E = TypeVar("E", bound=Event)
BACK = "http://127.0.0.1:9/back"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Snac]:
    with snac.running("shop", "bob") as found:
        yield found


def token(server: Snac, user: str) -> str:
    """The whole log-in, as the core does it: register, send the person there, exchange the code."""
    app = Connector(setup_for(ADDRESS, "")).register(redirect_uri=BACK)
    connector = Connector(setup_for(ADDRESS, "", **app))
    code = server.log_in(connector.authorize_url(redirect_uri=BACK, state="s"), user)
    return connector.exchange(code=code, redirect_uri=BACK)["access_token"]


@pytest.fixture(scope="module")
def shop(server: Snac) -> Channel:
    return Channel(ADDRESS, token(server, "shop"))


@pytest.fixture(scope="module")
def bob(server: Snac) -> Channel:
    return Channel(ADDRESS, token(server, "bob"))


def arrives(channel: Channel, kind: type[E], text: str = "") -> E:
    def look() -> E | None:
        channel.poll()
        for event in channel.events:
            if isinstance(event, kind) and text in getattr(event, "text", ""):
                return event
        return None

    return until(look, f"{kind.__name__} {text!r}")


def test_who_we_are(shop: Channel) -> None:
    assert shop.own.external_id == "http://localhost/shop"
    assert shop.own.handle == "@shop@localhost"
    assert shop.own.details["max_characters"] == "100000"


def test_somebody_is_found_by_the_handle_that_was_typed(shop: Channel, bob: Channel) -> None:
    assert shop.connector.find("@bob@localhost").external_id == bob.own.external_id
    assert shop.connector.find("bob").handle == "@bob@localhost"
    with pytest.raises(Refused) as caught:
        shop.connector.find("@bo@localhost")
    assert caught.value.field == "to"


def test_a_token_that_is_none(server: Snac) -> None:
    with pytest.raises(ReconnectNeeded) as caught:
        Connector(setup_for(ADDRESS, "nonsense")).check()
    assert caught.value.field == "access_token"


def test_mention_answer_and_everything_after(shop: Channel, bob: Channel) -> None:
    bobs = Party("http://localhost/bob", "@bob@localhost", role="to")
    shops = Party("http://localhost/shop", "@shop@localhost", role="to")

    first = bob.connector.send(
        Outgoing("b1", "My wheel broke, see https://example.org/a?b=c", (shops,), visibility="public")
    )
    question = arrives(shop, MessageReceived, "My wheel broke")
    assert question.external_id == first.external_id
    assert question.parties[0].external_id == "http://localhost/bob"
    assert question.text == "@shop@localhost My wheel broke, see https://example.org/a?b=c"
    assert (question.visibility, question.outgoing, question.thread_keys) == ("public", False, ())

    # the answer: in reply, with a picture, its description and a content warning
    answer = Outgoing(
        "s1",
        "We are sorry.",
        (bobs,),
        in_reply_to=question.external_id,
        visibility="public",
        media=(Media("wheel.png", "image/png", content=PNG, alt_text="A new wheel"),),
        content_warning="wheels",
    )
    before = datetime.now(UTC) - timedelta(seconds=5)
    assert shop.connector.find_sent(answer, since=before).state == "not_sent"
    receipt = shop.connector.send(answer)
    found = shop.connector.find_sent(answer, since=before)
    assert found.state == "sent"
    assert found.receipt is not None
    assert found.receipt.external_id == receipt.external_id
    heard = arrives(bob, MessageReceived, "We are sorry")
    assert heard.text.startswith("@bob@localhost")
    assert heard.content_warning == "wheels"
    assert [media.alt_text for media in heard.media] == ["A new wheel"]
    assert heard.thread_keys[0] == first.external_id

    # a private mention, answered privately: snac2 shows it as "private", which is private here too
    bob.connector.send(Outgoing("b2", "My address is 4 Mill Lane", (shops,), in_reply_to=receipt.external_id))
    private = arrives(shop, MessageReceived, "4 Mill Lane")
    assert private.visibility == "private"
    assert private.thread_keys == (receipt.external_id, first.external_id)
    secret = Outgoing("s2", "It is on its way.", (bobs,), in_reply_to=private.external_id)
    shop.connector.send(secret)
    assert arrives(bob, MessageReceived, "on its way").visibility == "private"
    assert shop.connector.find_sent(secret, since=before).state == "sent"

    # private and no reply: snac2's lists leave such posts out, so nobody can know
    alone = Outgoing("s3", "Are you there?", (bobs,))
    shop.connector.send(alone)
    assert shop.connector.find_sent(alone, since=before).state == "unknown"

    # like, boost, follow
    raw = httpx.Client(
        base_url=ADDRESS, headers={"Authorization": f"Bearer {bob.token}", "Connection": "close"}
    )
    raw.post(f"/api/v1/statuses/{receipt.external_id}/favourite").raise_for_status()
    raw.post(f"/api/v1/statuses/{receipt.external_id}/reblog").raise_for_status()
    raw.post(f"/api/v1/accounts/{shop.own.details['account_id']}/follow").raise_for_status()
    arrives(shop, FollowReceived)
    until(
        lambda: (
            (shop.poll() and False) or len([e for e in shop.events if isinstance(e, ReactionReceived)]) >= 2
        ),
        "two reactions",
    )
    reactions = {event.reaction: event.on for event in shop.events if isinstance(event, ReactionReceived)}
    assert reactions == {"like": receipt.external_id, "boost": receipt.external_id}

    # an edit changes snac2's id of the post, and not ours
    again = bob.connector.edit(first.external_id, Outgoing("b3", "My wheel and my chain broke", (shops,)))
    assert again.external_id == first.external_id
    changed = arrives(shop, MessageEdited, "chain")
    assert changed.external_id == first.external_id

    # an answer that somebody wrote in snac2's own page comes in as ours
    fields = {"status": "@bob@localhost by hand", "in_reply_to_id": first.external_id, "visibility": "public"}
    httpx.post(
        f"{ADDRESS}/api/v1/statuses",
        data=fields,
        headers={"Authorization": f"Bearer {shop.token}", "Connection": "close"},
    ).raise_for_status()
    assert arrives(shop, MessageReceived, "by hand").outgoing

    with pytest.raises(NotSupported):
        shop.connector.delete(receipt.external_id)
    assert shop.repeats == []
    assert bob.repeats == []


def test_there_is_no_stream(shop: Channel) -> None:
    with pytest.raises(NotSupported):
        next(shop.connector.stream(shop.cursor))


def test_a_long_absence_loses_nothing(shop: Channel, bob: Channel) -> None:
    """Eleven mentions while nobody looked, read in pages of three from a server that gives the newest first."""
    shop.poll()
    shops = Party("http://localhost/shop", "@shop@localhost", role="to")
    sent = [
        bob.connector.send(Outgoing(f"m{n}", f"number {n:02}", (shops,), visibility="public"))
        for n in range(11)
    ]
    headers = {"Authorization": f"Bearer {shop.token}", "Connection": "close"}

    def all_there() -> bool:
        listed = httpx.get(f"{ADDRESS}/api/v1/notifications", params={"limit": "80"}, headers=headers).json()
        return sum("number " in (one.get("status") or {}).get("content", "") for one in listed) == 11

    until(all_there, "eleven mentions")
    got = [event.external_id for event in shop.poll(limit=3) if isinstance(event, MessageReceived)]
    assert sorted(got) == sorted(receipt.external_id for receipt in sent)
    assert shop.poll() == []
