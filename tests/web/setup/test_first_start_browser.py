"""The first start in Chromium: by keyboard, on a phone, in three languages, with its errors beside their fields."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from kith.core import company
from kith.teams.models import User
from tests.support.browser import Screen

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=20_000)


@pytest.mark.parametrize(
    ("language", "theme", "width"), [("en", "light", 1680), ("de", "dark", 390), ("es", "light", 390)]
)
def test_the_first_start(chromium: Any, live_server: Any, language: str, theme: str, width: int) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 844}, color_scheme=theme, locale=language
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    it = Screen(page, live_server.url)
    page.on("console", lambda said: it.complaints.append(said.text) if said.type == "error" else None)
    it.go("/")
    page.wait_for_url("**/setup/")
    heading = page.get_by_role("heading", level=1)
    assert heading.count() == 1
    assert page.locator("html").get_attribute("lang") == language
    assert it.axe() == []

    # With nothing but the keyboard; the browser's own checks would stop the wrong values before the server sees them.
    page.evaluate("document.querySelector('form').noValidate = true")
    for text in ("Velo Hof", "Mara Lindt", "mara", "short"):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_selector("[aria-invalid=true]")
    wrong = page.locator("[aria-invalid=true]").evaluate_all("all => all.map(e => e.name)")
    assert "email" in wrong
    for field in page.locator("[aria-invalid=true]").all():
        told = (field.get_attribute("aria-describedby") or "").split()
        assert any(
            page.locator(f"[id='{name}']").inner_text().strip() for name in told if name.endswith("_error")
        )
    assert page.locator("#id_company").input_value() == "Velo Hof", "what was typed stays"
    assert it.axe() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.locator("#id_email").fill("mara@velohof.example")
    page.locator("#id_password").fill("short")
    page.evaluate("document.querySelector('form').noValidate = true")
    page.keyboard.press("Enter")
    expect(page.locator("#id_password_error")).to_be_visible()
    page.locator("#id_password").fill("a long pass phrase")
    page.locator("#id_public_url").fill("kith.velohof.example")
    page.evaluate("document.querySelector('form').noValidate = true")
    page.keyboard.press("Enter")
    expect(page.locator("#id_public_url_error")).to_be_visible()
    assert not User.objects.exists()
    page.locator("summary").click()
    expect(page.locator("details ul li").first).to_be_visible()
    page.locator("#id_password").fill("a long pass phrase")
    page.locator("#id_public_url").fill("")
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox/**")
    assert company.name() == "Velo Hof"
    assert User.objects.get().role == "owner"
    assert [
        said for said in it.complaints if "422" not in said and "/live/" not in said and "404" not in said
    ] == []
    context.close()
