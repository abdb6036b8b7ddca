"""The tour of a minute, in Chromium: by keyboard, in every theme and size, once for each user and again on request."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from kith.core import company
from kith.teams.models import User
from tests.support.browser import LOOKS, screen
from tests.web.people import person

expect.set_options(timeout=30_000)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_it_walks_over_the_real_inbox_by_keyboard_and_comes_back_only_when_asked(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara, toured=False) as it:
        page = it.page
        it.go("/inbox/")
        tour = page.locator("#tour")
        titles = []
        for number in range(6):
            expect(tour.locator("[data-progress]")).to_have_text(f"Step {number + 1} of 6")
            titles.append(tour.locator("[data-step]:not([hidden]) h2").inner_text())
            card = tour.locator(".tour-card").bounding_box()
            assert card["x"] >= 0
            assert card["y"] >= 0
            assert card["x"] + card["width"] <= 1680
            assert card["y"] + card["height"] <= 1000
            page.keyboard.press("ArrowRight" if number < 5 else "Enter")
        assert titles[0] == "Welcome to Kith, Mara"
        assert len(set(titles)) == 6
        expect(tour).not_to_be_visible()
        expect(page.locator("[data-conversation]")).to_be_visible()
        it.until("performance.getEntriesByType('resource').some((one) => one.name.endsWith('/toured/'))")
        it.go("/inbox/")
        assert page.locator("#tour").count() == 0
        page.locator("#nav details[data-menu] > summary").click()
        page.get_by_role("link", name="The tour of a minute").click()
        expect(page.locator("#tour")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#tour")).not_to_be_visible()
        expect(page).to_have_url(f"{live_server.url}/inbox/")
        assert it.complaints == []
    mara.refresh_from_db()
    assert mara.preferences["toured"] is True


@pytest.mark.torture
def test_axe_finds_nothing_in_it(chromium: Any, live_server: Any, mara: User, full: bool) -> None:
    for theme, width, height in LOOKS if full else LOOKS[0::3]:
        with screen(
            chromium, live_server.url, mara, width=width, height=height, theme=theme, toured=False
        ) as it:
            it.go("/inbox/")
            for _step in range(5):
                assert it.axe() == []
                it.page.get_by_role("button", name="Next", exact=True).click()


def test_in_a_new_house_it_ends_with_the_first_channel(chromium: Any, live_server: Any) -> None:
    company.set_value("name", "Bicycles Ltd")
    owner = person(
        "Olga",
        "owner",
    )
    with screen(chromium, live_server.url, owner, toured=False) as it:
        it.go("/inbox/")
        for _step in range(6):
            it.page.keyboard.press("ArrowRight")
        expect(it.page.get_by_role("link", name="Connect a channel").last).to_be_visible()
        assert it.axe() == []
        it.page.get_by_role("button", name="Start working").click()
        expect(it.page.locator("#tour")).not_to_be_visible()
        assert it.complaints == []
