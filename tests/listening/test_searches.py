"""Networks are asked for what monitors want: each page once, from where the last one ended, patiently after trouble."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.simulator import Said, say_in_public
from kith.connectors.bluesky.connector import Connector as Network
from kith.connectors.contract import Budget, Page, RawItem, ReconnectNeeded, RetryLater
from kith.conversations.models import Post
from kith.core import events
from kith.listening.models import Mention, Search
from kith.listening.services import monitors, searches
from kith.networks.models import ChannelAccount
from tests.listening.support import monitor
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.django_db


def item(number: int, text: str, *, gone: bool = False) -> RawItem:
    uri = f"at://did:plc:a/app.bsky.feed.post/{number}"
    view = {
        "uri": uri,
        "cid": f"c{number}",
        "author": {"did": "did:plc:a", "handle": "ada.example", "displayName": "Ada"},
        "record": {"text": text, "createdAt": NOON.isoformat(), "langs": ["en"]},
        "indexedAt": NOON.isoformat(),
    }
    body = {"deleted": uri} if gone else {"post": view}
    return RawItem(uri, json.dumps(body).encode(), at=NOON)


class Asked:
    """A network whose search answers with what a test put there; notes what it was asked."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, str]] = []
        self.pages: list[Page | Exception] = []

    def search(self, _connector: object, query: str, cursor: str, *, limit: int) -> Page:
        self.questions.append((query, cursor))
        answer = self.pages.pop(0) if self.pages else Page((), cursor)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr(Network, "search", lambda *a, **k: asked.search(*a, **k))
    return asked


@pytest.fixture
def account(cast: Cast) -> ChannelAccount:
    return ChannelAccount.objects.create(
        network="bluesky",
        name="@us",
        address="@us.example",
        external_id="did:plc:us",
        scope=cast.everyone,
        history_until=NOON - timedelta(days=1),
        settings={"service": "https://social.example", "handle": "us.example"},
        secrets={"app_password": "x"},
    )


def run() -> int:
    Search.objects.update(next_at=now() - timedelta(seconds=1))
    found = searches.searches_run()
    events.pump()
    return found


def texts() -> list[str]:
    return sorted(Mention.objects.values_list("post__text", flat=True))


def words(rows: Sequence[Any]) -> list[str]:
    return sorted(row.words for row in rows)


def test_pages_are_stored_with_their_position_before_the_next_is_asked_for(
    cast: Cast, account: ChannelAccount, network: Asked
) -> None:
    monitor(cast.viewer(cast.olga), "bike")
    searches.searches_follow()
    network.pages = [
        Page((item(1, "a bike"), item(2, "a bikeshed of trains")), "p1", more=True),
        Page((item(1, "a bike"), item(3, "another bike")), "p2"),
    ]
    assert run() == 3
    assert network.questions == [("bike", ""), ("bike", "p1")]
    assert texts() == ["a bike", "another bike"]
    row = Search.objects.get()
    assert (row.position, row.found, row.error, row.failures) == ("p2", 3, "", 0)
    assert row.answered_at is not None
    assert row.next_at > now()
    assert run() == 0
    assert network.questions[-1] == ("bike", "p2")


def test_a_failure_after_the_first_page_loses_and_repeats_nothing(
    cast: Cast, account: ChannelAccount, network: Asked
) -> None:
    monitor(cast.viewer(cast.olga), "bike")
    searches.searches_follow()
    network.pages = [Page((item(1, "a bike"),), "p1", more=True), RetryLater("busy", after=500)]
    run()
    row = Search.objects.get()
    assert (row.position, row.failures, row.error) == ("p1", 1, "busy")
    assert row.next_at > now() + timedelta(seconds=400)
    network.pages = [Page((item(2, "two bikes"), item(3, "a bike again")), "p2")]
    run()
    assert network.questions[-1] == ("bike", "p1")
    row.refresh_from_db()
    assert (row.failures, row.error) == (0, "")
    assert texts() == ["a bike", "a bike again"]


def test_what_the_network_says_is_gone_goes(cast: Cast, account: ChannelAccount, network: Asked) -> None:
    monitor(cast.viewer(cast.olga), "bike")
    searches.searches_follow()
    network.pages = [Page((item(1, "a bike"),), "p1")]
    run()
    network.pages = [Page((item(1, "", gone=True),), "p2")]
    run()
    assert texts() == []
    assert Post.objects.get().text == ""


def test_an_account_that_needs_a_person_is_asked_seldom_and_what_is_left_is_saved(
    cast: Cast, account: ChannelAccount, network: Asked
) -> None:
    monitor(cast.viewer(cast.olga), "bike")
    searches.searches_follow()
    network.pages = [ReconnectNeeded("the password is wrong")]
    run()
    assert Search.objects.get().next_at > now() + timedelta(minutes=50)
    network.pages = [Page((), "", budget=Budget(remaining=3), more=True), Page((), "")]
    before = len(network.questions)
    run()
    assert len(network.questions) == before + 1, "with few calls left it goes on later"
    assert Search.objects.get().next_at > now() + timedelta(minutes=5)


def test_searches_follow_the_monitors(cast: Cast, account: ChannelAccount, network: Asked) -> None:
    olga = cast.viewer(cast.olga)
    one = monitor(olga, "bike")
    monitor(olga, "bell")
    searches.searches_follow()
    assert words(Search.objects.all()) == ["bell", "bike"]
    Search.objects.filter(words="bell").update(position="p9")
    monitors.monitor_switch(viewer=olga, monitor_id=one.pk, on=False)
    searches.searches_follow()
    assert list(Search.objects.values_list("words", "position")) == [("bell", "p9")]
    ChannelAccount.objects.filter(pk=account.pk).update(state="paused")
    searches.searches_follow()
    assert not Search.objects.exists()


def test_a_simulated_account_is_asked_nothing_and_says_what_it_is_told_to(
    cast: Cast, account: ChannelAccount, network: Asked
) -> None:
    ChannelAccount.objects.filter(pk=account.pk).update(settings={"simulated": "yes"})
    account.refresh_from_db()
    monitor(cast.viewer(cast.olga), "bike")
    searches.searches_follow()
    assert not Search.objects.exists()
    assert gateway.is_simulated(account)
    said = Said("did:plc:b", "Bea", "I want a bike", handle="@bea.example", place="Leeds", external_id="s1")
    assert len(say_in_public(account, [said])) == 1
    assert say_in_public(account, [said]) == []
    events.pump()
    post = Mention.objects.get().post
    assert (post.author_name, post.author_handle, post.place, post.network) == (
        *("Bea", "@bea.example", "Leeds", "bluesky"),
    )
