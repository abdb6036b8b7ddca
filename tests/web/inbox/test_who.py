"""Whom one writes to: offered while one types, by those who may know of them, on the channel that is chosen."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from playwright.sync_api import expect

from kith.contacts.models import Identity
from kith.contacts.services import contact_create
from kith.conversations.models import Message
from kith.teams.models import User
from tests.api.support import write_in
from tests.support import house
from tests.support.browser import screen
from tests.support.cast import client_of

expect.set_options(timeout=20_000)


def _offered(user: User, **query: str) -> str:
    return client_of(user).get("/inbox/write/who/", query).content.decode()


@pytest.mark.django_db
def test_who_is_offered() -> None:
    ina, olaf = house.user("Ina"), house.user("Olaf")
    shared = house.mailbox()
    closed = house.mailbox("sales@us.example", scope=house.team_scope(house.team("Sales", ina)))
    write_in(shared, 1, sender="eva.open@outside.example")
    write_in(closed, 2, sender="eva.secret@elsewhere.example")
    assert "eva.open@" in _offered(olaf, q="eva")
    assert "eva.secret@" not in _offered(olaf, q="eva")
    assert "eva.secret@" in _offered(ina, q="eva")
    assert _offered(ina, q="e") == _offered(ina, q="zzz") == ""
    Identity.objects.filter(external_id="eva.open@outside.example").update(blocked_at="2026-01-01T00:00Z")
    assert "eva.open@" not in _offered(ina, q="eva")

    known = contact_create(name='Eva "Ev" Stone, Ltd', user=ina)
    for network, address in (("email", "stone@outside.example"), ("simulator", "evastone")):
        Identity.objects.create(network=network, external_id=address, contact=known)
    by_mail = _offered(olaf, q="stone")
    assert "&#34;Eva Ev Stone, Ltd&#34; &lt;stone@outside.example&gt;" in by_mail
    assert "evastone" not in by_mail
    elsewhere = house.account("simulator", name="Play")
    there = _offered(olaf, q="stone", account=str(elsewhere.pk))
    assert 'data-typed="evastone"' in there
    assert "stone@outside" not in there
    assert _offered(olaf, q="stone", account=str(uuid.uuid4())) == by_mail


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "theme"), [(1680, "light"), (390, "dark")])
def test_whom_one_means_is_chosen_by_the_keyboard_or_a_press(
    chromium: Any, live_server: Any, mara: User, width: int, theme: str
) -> None:
    with screen(chromium, live_server.url, mara, width=width, height=844, theme=theme) as it:
        page = it.page
        it.go("/inbox/write/")
        to, offered = page.locator("#f-to"), page.locator("#who-found [role=option]")
        to.press_sequentially("marke")
        expect(offered.first).to_contain_text("Markey")
        expect(to).to_have_attribute("aria-expanded", "true")
        assert it.axe() == []
        page.keyboard.press("ArrowDown")
        expect(offered.first).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Enter")
        expect(offered).to_have_count(0)
        first = to.input_value()
        assert first.startswith("Steve Markey <")
        assert first.endswith(">, ")
        to.press_sequentially("lu")
        expect(offered.first).to_be_visible()
        page.keyboard.press("Escape")
        expect(offered).to_have_count(0)
        expect(to).to_have_value(first + "lu")
        to.press_sequentially("nd")
        offered.first.click()
        expect(to).to_be_focused()
        assert to.input_value().count("@") == 2
        page.fill("#f-subject", "Sunday")
        page.fill("#f-text", "We ride at nine.")
        page.locator("[data-send]").click()
        page.wait_for_url("**/inbox/*-*/**")
        sent = Message.objects.get(subject="Sunday")
        assert sent.participants.filter(role="to").count() == 2
        assert it.complaints == []
