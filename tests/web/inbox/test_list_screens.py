"""Lists, search, bulk actions, views and notifications in Chromium: by mouse, by keyboard, on a phone; clean for axe."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from kith.base.clock import now
from kith.contacts.models import Tag
from kith.conversations.models import Conversation, ConversationTag, Message, MessageCopy
from kith.conversations.services import conversations_refresh
from kith.core import company
from kith.engagement.models import SavedView
from kith.teams.models import Notification, User
from kith.teams.notifications import notify
from kith.web.inbox import bulk as bulk_module
from tests.support.browser import LOOKS, look_over, screen
from tests.support.cast import Cast, cast_make

expect.set_options(timeout=20_000)  # machines that test are busy
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cast(live_server: Any) -> Cast:
    company.set_value("name", "Bicycles Ltd")
    made = cast_make()
    for n in range(6):
        made.mail(
            made.everyone,
            sender=f"p{n}@x.example",
            name=f"Person {n}",
            subject=f"Wheel no. {n}",
            text="The front wheel squeaks",
            language="de" if n % 2 else "en",
            at=now() - timedelta(hours=n),
        )
    return made


def rows(page: Any) -> Any:
    return page.locator("#rows [data-row]")


def test_search_is_reached_by_slash_and_enter_and_opens_what_it_found(
    chromium: Any, live_server: Any, cast: Cast
) -> None:
    with screen(chromium, live_server.url, cast.ines) as it:
        page = it.page
        it.go("/inbox/")
        page.keyboard.press("/")
        page.keyboard.type("squeaks")
        expect(page.locator("#palette #o-everything")).to_contain_text("squeaks")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search/?q=squeaks")
        found = page.locator("[data-walk] [data-row]")
        expect(found).to_have_count(6)
        assert page.locator("mark").first.inner_text() == "squeaks"
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(found.nth(1).locator("a[data-open]")).to_be_focused()
        page.keyboard.press("/")
        page.keyboard.press("End")
        page.keyboard.type(' from:"Person 3"')
        page.keyboard.press("Enter")
        expect(found).to_have_count(1)
        page.locator(".chip", has_text="From Person 3").click()
        expect(found).to_have_count(6)
        found.first.locator("a[data-open]").click()
        page.wait_for_url("**/inbox/*/?m=*")
        expect(page.locator(".found .bubble")).to_be_visible()
        assert it.complaints == []


def test_the_palette_finds_what_the_screen_can_do(chromium: Any, live_server: Any, cast: Cast) -> None:
    with screen(chromium, live_server.url, cast.ines) as it:
        page = it.page
        it.go("/inbox/")
        page.keyboard.press("j")
        page.wait_for_selector("[data-conversation]")
        page.keyboard.press("Control+k")
        page.keyboard.type("assign carl")
        option = page.locator("#palette [role=option]", has_text="Carl").first
        expect(option).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.locator("#talk-head [data-key=a] summary")).to_contain_text("Carl")
        assert Conversation.objects.filter(assignee=cast.carl).count() == 1
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_visible()
        assert it.axe() == []
        page.keyboard.press("Escape")
        page.keyboard.press("Control+k")
        page.keyboard.type("set aside")
        expect(page.locator("#palette [role=option]", has_text="Set aside").first).to_be_visible()
        assert it.axe() == []
        assert it.complaints == []


def test_picking_by_mouse_shift_and_keys_and_one_undo_for_all(
    chromium: Any, live_server: Any, cast: Cast
) -> None:
    with screen(chromium, live_server.url, cast.ines) as it:
        page = it.page
        it.go("/inbox/")
        rows(page).nth(0).hover()
        rows(page).nth(0).locator("[data-pick]").click()
        rows(page).nth(2).locator("[data-pick]").click(modifiers=["Shift"])
        expect(page.locator("#bulk [data-count]")).to_have_text("3 picked")
        page.locator("#bulk [data-unpick]").click()
        expect(page.locator("#bulk")).to_be_hidden()
        rows(page).nth(1).locator("a[data-open]").focus()
        page.keyboard.press("x")
        page.keyboard.press("J")
        page.keyboard.press("J")
        expect(page.locator("#bulk [data-count]")).to_have_text("3 picked")
        assert it.axe() == []
        page.locator("#bulk-menus summary", has_text="Tag").click()
        page.fill("#bulk-tag", "bad brakes")
        page.keyboard.press("Enter")
        expect(page.locator("#rows .chip", has_text="bad brakes")).to_have_count(3)
        expect(page.locator("#bulk")).to_be_hidden()
        page.locator("#toasts [data-undo]").click()
        expect(page.locator("#rows .chip", has_text="bad brakes")).to_have_count(0)
        page.keyboard.press("*")
        expect(page.locator("#bulk [data-count]")).to_have_text("6 picked")
        page.locator("#bulk-menus button", has_text="Close").click()
        expect(rows(page)).to_have_count(0)
        expect(page.locator("#rows")).to_contain_text("All answered")
        page.locator("#toasts [data-undo]").last.click()
        expect(rows(page)).to_have_count(6)
        assert it.complaints == []


def test_all_of_a_list_are_picked_and_changed_with_their_progress(
    chromium: Any, live_server: Any, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_module, "PART", 20)
    for n in range(64):
        cast.mail(cast.everyone, sender=f"q{n}@x.example", at=now() - timedelta(days=1, minutes=n))
    with screen(chromium, live_server.url, cast.ines) as it:
        page = it.page
        it.go("/inbox/waiting/")
        expect(rows(page)).to_have_count(50)
        page.keyboard.press("*")
        page.locator("[data-pick-all]").click()
        expect(page.locator("#bulk [data-count]")).to_have_text("All 70 picked")
        seen: list[str] = []
        page.on("request", lambda r: seen.append(r.url) if r.url.endswith("/inbox/bulk/") else None)
        page.locator("#bulk-menus button", has_text="Close").click()
        expect(page.locator("#toasts")).to_contain_text("70 conversations changed")
        expect(page.locator("#bulk-progress")).to_have_count(0)
        assert len(seen) == 4
        assert not Conversation.objects.filter(status="open").exists()
        expect(rows(page)).to_have_count(0)
        page.locator("#toasts [data-undo]").last.click()
        expect(page.locator("#toasts")).to_contain_text("Taken back")
        assert not Conversation.objects.exclude(status="open").exists()
        assert it.complaints == []


def test_a_filter_becomes_a_view_that_is_ordered_deleted_and_brought_back(
    chromium: Any, live_server: Any, cast: Cast
) -> None:
    with screen(chromium, live_server.url, cast.carl) as it:
        page = it.page
        it.go("/inbox/")
        page.keyboard.press("v")
        expect(page.locator("#filter-channel")).to_be_focused()
        assert it.axe() == []
        page.select_option("#filter-language", "de")
        page.locator("#filter-panel button[type=submit]").click()
        expect(rows(page)).to_have_count(3)
        page.locator("#list button[data-htmx-powered]", has_text="Save as a view").click()
        page.fill("#view-name", "In German")
        page.select_option("#view-team", label="The team Sales")
        assert it.axe() == []
        page.keyboard.press("Enter")
        page.wait_for_url("**/inbox/saved-*/")
        expect(page.locator("#nav [aria-current=page]")).to_contain_text("In German")
        expect(rows(page)).to_have_count(3)
        assert SavedView.objects.get().team_id == cast.sales.pk
        page.locator("#nav [aria-label^=Order]").click()
        expect(page.locator("#views")).to_be_visible()
        assert it.axe() == []
        page.locator("#views [aria-label^=Delete]").click()
        expect(page.locator("#nav-list", has_text="In German")).to_have_count(0)
        page.keyboard.press("Escape")
        page.locator("#toasts [data-undo]").click()
        expect(page.locator("#nav-list", has_text="In German")).to_have_count(1)
        assert it.complaints == []


def test_the_bell_counts_in_the_title_opens_and_is_read(chromium: Any, live_server: Any, cast: Cast) -> None:
    key = Conversation.objects.latest("id").pk
    notify(
        [cast.ines.pk], kind="mention", title=lambda: "Carl calls you", path=f"/inbox/{key}/", subject_id=key
    )
    notify([cast.ines.pk], kind="alarm", title=lambda: "Kith needs you", path="/today/")
    with screen(chromium, live_server.url, cast.ines) as it:
        page = it.page
        it.go("/inbox/")
        expect(page).to_have_title(re.compile(r"^\(2\) Inbox"))
        page.locator("#bell").click()
        expect(page.locator("#bell-panel")).to_contain_text("Carl calls you")
        assert it.axe() == []
        page.locator("#bell-panel [data-row]", has_text="Kith needs").get_by_role("button").click()
        expect(page).to_have_title(re.compile(r"^\(1\) Inbox"))
        page.locator("#bell-panel a[data-open]", has_text="Carl calls you").click()
        page.wait_for_url(f"**/inbox/{key}/")
        expect(page).to_have_title(re.compile(r"^[^(]"))
        assert not Notification.objects.filter(read_at=None).exists()
        assert it.complaints == []


def test_a_phone_goes_from_the_list_to_the_conversation_and_back(
    chromium: Any, live_server: Any, cast: Cast
) -> None:
    with screen(chromium, live_server.url, cast.ines, width=390, height=844) as it:
        page = it.page
        it.go("/inbox/?language=de")
        expect(rows(page)).to_have_count(3)
        rows(page).first.locator("a[data-open]").click()
        expect(page.locator("#conversation")).to_be_visible()
        expect(page.locator("#list")).to_be_hidden()
        page.locator("#talk-head [data-back]").click()
        expect(page.locator("#list")).to_be_visible()
        expect(rows(page)).to_have_count(3)
        page.locator("#list [data-sheet=nav]").click()
        expect(page.locator("#bell")).to_be_visible()
        assert it.complaints == []


def test_unread_and_waiting_are_told_by_shape_and_word_too(
    chromium: Any, live_server: Any, cast: Cast
) -> None:
    with screen(chromium, live_server.url, cast.ines) as it:
        page = it.page
        it.go("/inbox/")
        first = rows(page).first
        expect(first.locator(".unread-dot")).to_have_attribute("title", "Unread")
        expect(first).to_contain_text("Waits for an answer for")
        assert re.search(r"20\d\d", first.locator("time").first.get_attribute("title") or "")
        first.locator("a[data-open]").click()
        expect(first.locator(".unread-dot")).to_have_count(0)
        assert it.complaints == []


@pytest.mark.torture
def test_lists_are_clean_for_axe_in_both_themes_wide_and_on_a_phone(
    chromium: Any, live_server: Any, cast: Cast, full: bool
) -> None:
    tagged = Conversation.objects.earliest("id")
    ConversationTag.objects.create(conversation=tagged, tag=Tag.objects.create(name="bad brakes"))
    copy = MessageCopy.objects.filter(thread__conversation=tagged).earliest("id")
    held = Message.objects.create(
        network="email", external_id="held", content_hash="x", direction="out", state="held",
        at=now(), received_at=now(), author=cast.ines, text="Ours",
    )  # fmt: skip
    MessageCopy.objects.create(message=held, thread=copy.thread, scope=copy.scope, at=now())
    conversations_refresh([tagged.pk])
    cast.mail(cast.everyone, automatic="bounce", sender="mailer-daemon@x.example")
    notify([cast.ines.pk], kind="mention", title=lambda: "Carl calls you", subject_id=tagged.pk)
    User.objects.filter(pk=cast.ines.pk).update(language="de")
    paths = [
        "/inbox/?language=de&waiting=1h",
        "/inbox/?tag=none",
        "/inbox/unsent/",
        "/inbox/held/",
        "/inbox/closed/",
        "/search/",
        "/search/?q=wheel+in:nowhere+has:file",
        "/search/?q=front+wheel",
        "/notifications/",
        "/notifications/?unread=1",
    ]
    found: list[str] = []
    for look in LOOKS:
        theme, width, height = look
        with screen(chromium, live_server.url, cast.ines, width=width, height=height, theme=theme) as it:
            found += look_over(it, paths, look, full=full)
            found += it.complaints
    assert not found, "\n".join(found)
