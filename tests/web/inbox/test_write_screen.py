"""The form that begins a conversation, in Chromium: it uses the room there is, and its files are chosen in our words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from kith.teams.models import User
from tests.support.browser import screen

expect.set_options(timeout=20_000)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_form_takes_the_room_of_the_person_who_is_not_there_yet(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara) as it:
        it.go("/inbox/write/")
        right = "document.querySelector('#conversation > header').getBoundingClientRect().right"
        assert it.page.evaluate(right) == it.page.evaluate("innerWidth")
        it.go("/inbox/")
        it.page.locator("#list [data-row]", has_text="Gear hub").first.click()
        expect(it.page.locator("#person[data-person]")).to_be_visible()
        it.until(f"{right} === document.querySelector('#person').getBoundingClientRect().left")


def test_files_are_chosen_and_left_out_again_in_the_users_language(
    chromium: Any, live_server: Any, mara: User, tmp_path: Path
) -> None:
    mara.language = "de"
    mara.save()
    for name in ("Rechnung.pdf", "Foto.jpg"):
        (tmp_path / name).write_bytes(b"x")
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go("/inbox/write/")
        field = page.locator("[data-chosen]")
        told = field.locator("[data-none]")
        expect(field).to_contain_text("Dateien wählen")
        expect(told).to_have_text("Keine gewählt")
        files = page.get_by_label("Dateien", exact=True)
        files.focus()
        with page.expect_file_chooser() as asked:
            files.press("Enter")
        asked.value.set_files([tmp_path / "Rechnung.pdf", tmp_path / "Foto.jpg"])
        expect(told).to_have_text("Rechnung.pdf, Foto.jpg")
        expect(files).to_have_accessible_description("Rechnung.pdf, Foto.jpg")
        assert it.axe() == []
        page.keyboard.press("Tab")
        expect(field.get_by_role("button", name="Keine wählen")).to_be_focused()
        page.keyboard.press("Enter")
        expect(told).to_have_text("Keine gewählt")
        expect(files).to_be_focused()
        assert page.evaluate("document.querySelector('[data-chosen] input').files.length") == 0
        it.go("/imports/")
        expect(page.locator("[data-chosen]")).to_contain_text("Datei wählen")
        assert it.complaints == []
