"""Listening in Chromium: from an empty house to a search, its mentions, and an answer in public that is kept beside the post."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect

from kith.base.clock import now
from kith.channels.simulator import Said, say_in_public
from kith.conversations.models import Message, Post, ThreadKey
from kith.core import company, events
from kith.listening.models import Mention, Monitor
from kith.listening.services.lookback import monitor_look_back
from kith.listening.services.monitors import monitor_make
from kith.networks.models import ChannelAccount
from kith.teams.selectors import viewer_of
from kith.trust.models import ContactPolicy
from tests.support.browser import LOOKS, look_over, screen
from tests.support.cast import Cast, cast_make, client_of

expect.set_options(timeout=20_000)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cast(live_server: Any) -> Cast:
    company.set_value("name", "Bicycles Ltd")
    ContactPolicy.objects.create(text='[quiet]\nfrom = "00:00"\nuntil = "00:00"\n')
    made = cast_make()
    made.accounts["sky"] = ChannelAccount.objects.create(
        network="bluesky",
        name="@bicycles",
        address="@bicycles.example",
        external_id="did:plc:us",
        settings={"simulated": "yes", "public": "yes"},
        scope=made.everyone,
        history_until=now() - timedelta(days=365),
    )
    return made


def talk(cast: Cast, *texts: str, days: int = 0) -> None:
    say_in_public(
        cast.accounts["sky"],
        [
            Said(
                f"did:plc:p{n}{days}",
                f"Person {n}",
                text,
                handle=f"@p{n}.example",
                at=now() - timedelta(days=days, minutes=n + 1),
                external_id=f"at://p{n}{days}/{abs(hash(text))}",
                language="en",
                url="https://social.example/post",
            )
            for n, text in enumerate(texts)
        ],
    )
    events.pump()


def test_from_an_empty_house_to_an_answer_in_public(chromium: Any, live_server: Any, cast: Cast) -> None:
    talk(cast, "Looking for a cargo bike in Leeds", "A bike giveaway!", "Nice weather")
    talk(cast, "An old cargo bike for sale", days=3)
    with screen(chromium, live_server.url, cast.olga) as it:
        it.go("/listening/")
        expect(it.page.get_by_text("Hear what people say")).to_be_visible()
        it.page.get_by_role("main").get_by_role("link", name="New search").first.click()
        query = it.page.get_by_label("Look for")
        query.fill('bike OR ("cargo')
        wrong = it.page.locator("[data-wrong]")
        expect(wrong).to_be_visible()
        expect(it.page.locator("#query-error")).to_contain_text("Character 10.")
        assert query.get_attribute("aria-describedby") == "f-query-help query-said"
        # the builder writes one that can be read, and what it finds stands below
        it.page.get_by_label("Any of these").fill("bike, cargo bike")
        it.page.get_by_label("None of these").fill("giveaway")
        it.page.get_by_role("button", name="Write the query").click()
        expect(query).to_have_value('(bike OR "cargo bike") NOT giveaway')
        expect(it.page.locator("#query-said")).to_contain_text("2 posts")
        expect(it.page.locator("#query-said mark").first).to_have_text("cargo bike")
        expect(it.page.locator("#query-said svg rect")).to_have_count(2)
        it.page.get_by_label("Name").fill("Bikes")
        it.page.get_by_role("button", name="Listen for this").click()
        expect(it.page.get_by_role("heading", name="Bikes")).to_be_visible()
        made = Monitor.objects.get()
        assert monitor_look_back(made.pk, made.version) == 4
        it.go(f"/listening/mentions/?monitor={made.pk}")
        rows = it.page.locator("[data-rows] [data-row]")
        expect(rows).to_have_count(2)
        # a bar leads to its posts
        it.page.locator("figure svg a").first.click()
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("An old")
        it.go(f"/listening/mentions/?monitor={made.pk}")
        # by keyboard: the second row is done, the first stays
        it.page.keyboard.press("j")
        it.page.keyboard.press("j")
        it.page.keyboard.press("e")
        expect(rows.nth(1)).to_contain_text("Open again")
        assert set(Mention.objects.values_list("post__text", "state")) == {
            ("Looking for a cargo bike in Leeds", "open"),
            ("An old cargo bike for sale", "done"),
        }
        it.page.locator("[data-undo]").last.click()
        expect(it.page.get_by_text("Taken back")).to_be_visible()
        assert not Mention.objects.exclude(state="open").exists()
        rows.first.get_by_role("button", name="Answer there").click()
        expect(it.page.get_by_text("Your answer stands in public")).to_be_visible()
        it.page.get_by_label("Message").fill("Come and try ours, the shop is open until six.")
        it.page.get_by_role("button", name="Send", exact=True).click()
        it.page.wait_for_url("**/inbox/*-*/**")
        answer = Message.objects.get(direction="out")
        post = Post.objects.get(text__startswith="Looking")
        assert (answer.visibility, answer.in_reply_to) == ("public", post.external_id)
        mention = Mention.objects.get(post=post)
        assert mention.state == "done"
        assert mention.conversation_id == answer.copies.get().thread.conversation_id
        assert ThreadKey.objects.get(key=post.external_id).thread.conversation_id == mention.conversation_id
        it.go("/listening/mentions/?state=done")
        expect(rows.first.get_by_role("button", name="The conversation")).to_be_visible()
        assert [line for line in it.complaints if "422" not in line] == []


def test_an_outsider_sees_nothing_of_a_teams_search(live_server: Any, cast: Cast) -> None:
    talk(cast, "A cargo bike")
    made = monitor_make(
        viewer=viewer_of(cast.carl), name="Secret plans", query="bike", audience=str(cast.sales.pk)
    )
    monitor_look_back(made.pk, made.version)
    key = Mention.objects.get().post_id
    inside, outside, reader = (client_of(user) for user in (cast.carl, cast.ines, cast.pia))
    for path in ("/listening/", "/listening/mentions/", "/listening/coverage/"):
        assert "Secret plans" not in outside.get(path).content.decode()
        assert "A cargo bike" not in outside.get(path).content.decode()
    assert "Secret plans" in inside.get("/listening/").content.decode()
    assert "A <mark>" not in outside.get("/listening/mentions/?state=").content.decode()
    assert "cargo" in inside.get("/listening/mentions/").content.decode()
    for path in (f"/listening/{made.pk}/", f"/listening/mentions/?monitor={made.pk}"):
        assert outside.get(path).status_code == 404
        assert inside.get(path).status_code == 200
    for deed in ("decide", "assign", "answer"):
        assert outside.post(f"/listening/posts/{key}/{deed}/", {"state": "done"}).status_code == 404
        assert reader.post(f"/listening/posts/{key}/{deed}/", {"state": "done"}).status_code == 403
    assert Mention.objects.get().state == "open"
    assert "listening" in nav(inside)
    assert "listening" not in nav(outside)


def nav(client: Client) -> str:
    return client.get("/nav/?section=today").content.decode()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_the_screens_are_clean_for_axe(
    chromium: Any, live_server: Any, cast: Cast, look: tuple[str, int, int], full: bool
) -> None:
    talk(cast, "Looking for a cargo bike in Leeds", "A bike giveaway!", "x" * 400)
    made = monitor_make(viewer=viewer_of(cast.olga), name="Bikes", query="bike")
    monitor_look_back(made.pk, made.version)
    theme, width, height = look
    paths = (
        "/listening/",
        "/listening/mentions/?state=",
        f"/listening/{made.pk}/",
        "/listening/coverage/",
        "/listening/new/",
    )
    with screen(chromium, live_server.url, cast.olga, width=width, height=height, theme=theme) as it:
        assert look_over(it, paths, look, full=full) == []
        assert it.complaints == []
