"""What annoys at five in the afternoon, in Chromium: where keys go, what covers what, how much a screen shows."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from kith.contacts.models import Identity
from kith.conversations.models import Conversation
from kith.teams.models import User
from tests.support.browser import screen

expect.set_options(timeout=20_000)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OVERLAP = """(() => {
  const toast = document.querySelector('.toast-item').getBoundingClientRect();
  const over = (box) => toast.left < box.right && box.left < toast.right && toast.top < box.bottom && box.top < toast.bottom;
  return over(document.querySelector('#composer').getBoundingClientRect());
})()"""


def test_who_begins_to_write_types_at_once(chromium: Any, live_server: Any, mara: User) -> None:
    with screen(chromium, live_server.url, mara) as it:
        it.go("/inbox/")
        it.page.keyboard.press("c")
        expect(it.page.locator("#f-to")).to_be_focused()
        it.page.keyboard.type("ada@outside.example")
        expect(it.page.locator("#f-to")).to_have_value("ada@outside.example")
        it.go("/inbox/write/")
        expect(it.page.locator("#f-to, #f-subject").and_(it.page.locator(":focus"))).to_have_count(1)
        assert it.complaints == []


@pytest.mark.parametrize(("width", "height"), [(1680, 1000), (1100, 800), (390, 844)])
def test_what_was_sent_is_told_beside_the_box_and_never_over_it(
    chromium: Any, live_server: Any, mara: User, width: int, height: int
) -> None:
    with screen(chromium, live_server.url, mara, width=width, height=height) as it:
        it.go("/inbox/")
        it.page.locator("[data-row] a[data-open]").first.click()
        expect(it.page.locator("#reply-text")).to_be_visible()
        it.page.keyboard.press("n")
        it.page.locator(".via", has=it.page.locator("[value^=note], [data-visibility=note]")).first.click()
        it.page.fill("#reply-text", "The hub is here.")
        it.page.locator("[data-send]").first.click()
        expect(
            it.page.locator(".toast-item")
            .or_(it.page.locator(".bubble-note", has_text="The hub is here."))
            .first
        ).to_be_visible()
        it.page.evaluate(
            "document.querySelector('#toasts').append(document.querySelector('#toast-template').content.firstElementChild.cloneNode(true))"
        )
        assert it.page.evaluate(OVERLAP) is False
        assert it.complaints == []


def test_compact_lists_show_more_rows_and_stay_so(chromium: Any, live_server: Any, mara: User) -> None:
    with screen(chromium, live_server.url, mara) as it:
        it.go("/inbox/")
        tall = it.page.locator("[data-row]").first.bounding_box()["height"]
        it.page.locator("#nav > details > summary").click()
        it.page.locator("[data-set-density=compact]").click()
        expect(it.page.locator("[data-set-density=compact]")).to_have_attribute("aria-checked", "true")
        low = it.page.locator("[data-row]").first.bounding_box()["height"]
        assert low < tall * 0.85
        it.until("fetch('/inbox/').then((r) => r.text()).then((t) => t.includes('data-density=\"compact\"'))")
        for path in ("/inbox/", "/people/", "/today/"):
            it.go(path)
            assert it.axe() == []
        assert it.complaints == []


def test_a_sheet_on_the_phone_stays_while_one_works_in_it(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara, width=390, height=844) as it:
        it.go("/inbox/")
        it.page.get_by_role("button", name="Menu").first.click()
        it.page.locator("#nav > details > summary").click()
        it.page.locator("[data-set-theme=dark]").click()
        expect(it.page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(it.page.locator("#nav")).to_be_visible()
        # A tap beside it closes it, and opens nothing of what lies there.
        it.page.mouse.click(380, 300)
        expect(it.page.locator("#nav")).to_be_hidden()
        assert it.page.url.endswith("/inbox/")
        it.page.locator("[data-row] a[data-open]").first.click()
        it.page.get_by_role("button", name="Who is this?").click()
        expect(it.page.locator("#person")).to_be_visible()
        it.page.locator("#person").click(position={"x": 20, "y": 400})
        expect(it.page.locator("#person")).to_be_visible()
        assert it.complaints == []


def test_a_sender_is_blocked_and_let_in_again_by_the_keyboard_alone(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara) as it:
        it.go("/inbox/")
        it.page.keyboard.press("j")
        it.page.wait_for_selector("[data-conversation]")
        key = it.page.locator("[data-conversation]").get_attribute("data-conversation")
        sender = Conversation.objects.get(pk=key).identity_id
        it.page.keyboard.press("B")
        expect(it.page.locator("#toasts")).to_contain_text("Blocked")
        assert Identity.objects.get(pk=sender).blocked_at is not None
        it.go(f"/inbox/{key}/")
        it.page.keyboard.press("Control+k")
        it.page.keyboard.type("no longer block")
        expect(it.page.locator("#palette [role=option]").first).to_contain_text("No longer block")
        it.page.keyboard.press("Enter")
        expect(it.page.locator("#toasts")).to_contain_text("No longer blocked")
        assert Identity.objects.get(pk=sender).blocked_at is None
        assert it.complaints == []
