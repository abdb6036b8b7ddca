"""The pictures of the README, taken of the demo: anew with `pytest tests/web/install/test_pictures.py -n 0 --pictures`.

Without that option the same screens are opened and must still show what the pictures show.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from kith.teams.models import User
from kith.workspace import demo
from tests.support.browser import Screen, browser, screen

expect.set_options(timeout=30_000)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
SMALLEST = 10_000  # bytes; an empty page is smaller


def inbox(it: Screen) -> None:
    """Steve's conversation with the list before it and Steve beside it."""
    it.go("/inbox/")
    it.page.locator("#list a[data-open]", has_text="Steve Markey").click()
    expect(it.page.locator(".bubble", has_text="Third week without my bike").first).to_be_visible()
    expect(it.page.locator(".bubble-note", has_text="it is on the bench")).to_be_visible()
    if it.page.viewport_size["width"] > 1000:
        expect(it.page.locator("#person")).to_contain_text("Call Steve about the hub")
        expect(it.page.locator("#list")).to_contain_text("Offer for 12 cargo bikes")


def person(it: Screen) -> None:
    """The whole person."""
    it.go("/people/?q=markey")
    it.page.get_by_role("link", name="Markey").first.click()
    expect(it.page.get_by_text("Rides to work, all year").first).to_be_visible()


def today(it: Screen) -> None:
    it.go("/today/")
    expect(it.page.locator("main")).to_contain_text("Call Steve about the hub")


def people(it: Screen) -> None:
    it.go("/people/")
    expect(it.page.locator("main, #main").first).to_contain_text("Abel")


SHOTS: dict[str, tuple[Any, str, tuple[int, int]]] = {
    "inbox-light": (inbox, "light", (1680, 1000)),
    "inbox-dark": (inbox, "dark", (1680, 1000)),
    "inbox-phone": (inbox, "light", (390, 844)),
    "person-light": (person, "light", (1680, 1000)),
    "today-light": (today, "light", (1280, 800)),
    "people-dark": (people, "dark", (1280, 800)),
}


@pytest.mark.torture
@pytest.mark.long
def test_the_pictures_show_what_the_screens_show(live_server: Any, pytestconfig: pytest.Config) -> None:
    demo.build(lambda text: None)
    mara = User.objects.get(email="mara@velohof.example")
    with browser(whole=True) as running:
        for name, (show, theme, (width, height)) in SHOTS.items():
            with screen(running, live_server.url, mara, width=width, height=height, theme=theme) as it:
                show(it)
                if pytestconfig.getoption("--pictures"):
                    it.page.mouse.move(width - 1, height - 1)
                    it.until("document.getAnimations().length === 0")
                    FOLDER.mkdir(exist_ok=True)
                    taken = Image.open(io.BytesIO(it.page.screenshot()))
                    taken.convert("RGB").save(FOLDER / f"{name}.webp", quality=82, method=6)
            kept = FOLDER / f"{name}.webp"
            assert kept.stat().st_size > SMALLEST, name
            assert Image.open(kept).size == (width, height)
        readme = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
        assert [
            name for name in ("inbox-light", "inbox-dark", "inbox-phone") if f"{name}.webp" not in readme
        ] == []
