"""The screens in Chromium, with the demo company: clean for axe in both themes and sizes, and usable by keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from kith.contacts.models import Contact
from kith.conversations.models import ConversationScope, Draft, Message
from kith.teams.models import User
from tests.support.browser import LOOKS, look_over, screen

expect.set_options(timeout=20_000)  # machines that test are busy
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _public() -> Any:
    return (
        ConversationScope.objects.filter(is_public=True, status="open", tray="")
        .latest("last_at")
        .conversation_id
    )


@pytest.mark.torture
def test_every_screen_is_clean_for_axe_in_both_themes_wide_and_on_a_phone(
    chromium: Any, live_server: Any, mara: User, full: bool
) -> None:
    contact = Contact.objects.get(name="Stephen Markey").canonical_id
    paths = [
        "/inbox/",
        "/inbox/held/",
        "/inbox/for_me/",
        f"/inbox/{_public()}/",
        "/inbox/write/",
        "/people/",
        "/people/?q=nobody-of-this-name",
        f"/people/{contact}/",
        f"/people/{contact}/attention/",
        "/attention/",
        "/today/",
        "/styleguide/",
    ]
    found: list[str] = []
    for look in LOOKS:
        theme, width, height = look
        with screen(chromium, live_server.url, mara, width=width, height=height, theme=theme) as it:
            found += look_over(it, paths, look, full=full)
            found += it.complaints
    assert not found, "\n".join(found)


def test_a_conversation_is_answered_by_keyboard_and_the_answer_taken_back(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go(f"/inbox/{_public()}/")
        assert page.locator("[data-send]").inner_text().strip() == "Post publicly"
        page.keyboard.press("n")
        expect(page.locator("[data-send]")).to_have_text("Add note")
        page.fill("#reply-text", "Who has the hub?")
        expect(page.locator("#composer [x-text=kept]")).to_have_text("Draft kept")
        assert Draft.objects.get(user=mara).body == "Who has the hub?"
        page.keyboard.press("Control+Enter")
        expect(page.locator(".bubble-note", has_text="Who has the hub?")).to_be_visible()
        assert Message.objects.filter(direction="note", text="Who has the hub?").count() == 1
        assert not Draft.objects.filter(user=mara).exists()
        page.locator(".via").first.click()
        page.fill("#reply-text", "Steve, it is here.")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".bubble-ours", has_text="Steve, it is here.")).to_be_visible()
        sent = Message.objects.get(direction="out", text="Steve, it is here.")
        assert sent.visibility == "public"
        page.locator("[data-undo]").click()
        expect(page.locator("#reply-text")).to_have_value("Steve, it is here.")
        sent.refresh_from_db()
        assert sent.state == "cancelled"
        assert it.complaints == []


def test_closing_by_key_takes_the_conversation_from_the_list_until_it_is_undone(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go("/inbox/")
        before = page.locator("[data-row]").count()
        page.keyboard.press("j")
        page.wait_for_selector("[data-conversation]")
        page.keyboard.press("e")
        expect(page.locator("[data-row]")).to_have_count(before - 1)
        page.locator("[data-undo]").click()
        expect(page.locator("[data-row]")).to_have_count(before)
        assert it.complaints == []
