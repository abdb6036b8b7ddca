"""What the gate shows while one writes, in Chromium: by mouse and keyboard, clean for axe."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from playwright.sync_api import expect

from kith.base.clock import now
from kith.contacts.models import Fact, Identity
from kith.contacts.services import contact_for_identity, fact_record
from kith.conversations.models import Message
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.trust.models import Situation, Touch
from tests.support import house
from tests.support.browser import Screen, screen
from tests.web.inbox.desk import asked, played

expect.set_options(timeout=20_000)  # machines that test are busy
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def mara(live_server: Any) -> User:
    return house.user()


@pytest.fixture
def account(live_server: Any) -> ChannelAccount:
    return played()


@pytest.fixture
def it(chromium: Any, live_server: Any, mara: User) -> Iterator[Screen]:
    with screen(chromium, live_server.url, mara) as made:
        yield made
        assert made.complaints == []


@transaction.atomic
def person() -> Any:
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ada@x.example"))
    fact_record(contact_id=contact.pk, attribute="preferred_name", value="Steve", source="told_us")
    fact_record(
        contact_id=contact.pk, attribute="interest", value="Grateful Dead", source="public_post",
        quote="On the road with the Dead again",
    )  # fmt: skip
    return contact


def test_write_steve_is_one_click_and_the_words_that_use_a_fact_are_found(
    it: Screen, account: ChannelAccount
) -> None:
    where, _message = asked(account)
    person()
    it.go(f"/inbox/{where}/")
    box = it.page.locator("#reply-text")
    expect(it.page.locator("#verdict [data-allowed]")).to_be_visible()
    box.fill("Hi Stephen,\nyour bike is ready for the Grateful Dead.")
    expect(it.page.locator("#verdict")).to_contain_text("They are called Steve, not Stephen.")
    assert it.axe() == []
    it.page.get_by_role("button", name="Write “Steve”").click()
    expect(box).to_have_value("Hi Steve,\nyour bike is ready for the Grateful Dead.")
    expect(it.page.locator("#verdict [data-allowed]")).to_be_visible()
    used = it.page.locator("[data-untold]")
    expect(used).to_contain_text("never told us")
    used.locator("summary").click()
    expect(used).to_contain_text("On the road with the Dead again")
    assert it.axe() == []
    used.get_by_role("button", name="Leave it out").click()
    marked = "document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)"
    assert it.page.evaluate(marked) == "Grateful Dead"
    used.locator("summary").click()
    used.locator("summary").click()
    used.get_by_role("button", name="Fine, they told us").click()
    expect(it.page.locator("[data-used]:not([data-untold])")).to_be_visible()
    assert Fact.objects.get(attribute="interest", retracted_at=None).source == "told_us"


def test_an_offer_in_a_complaint_is_sent_all_the_same_for_a_reason_and_enter_sends_nothing_else(
    it: Screen, account: ChannelAccount
) -> None:
    _where, message = asked(account)
    person()
    Situation.objects.filter(identity_id=message.sender_id).update(open_case="angry")
    it.go("/inbox/write/")
    page = it.page
    page.get_by_label("To", exact=True).fill("ada@x.example")
    page.get_by_label("What it is about").select_option("offers")
    page.get_by_label("Message").fill("Come along on Saturday.")
    expect(page.locator("#verdict")).not_to_contain_text("Says here")
    expect(page.locator("[data-steps]")).to_be_visible()
    assert it.axe() == []
    page.get_by_label("Subject").press("Enter")
    assert not Message.objects.filter(direction="out").exists()


def test_how_do_we_know_this_is_answered_on_the_persons_page_and_beside_a_conversation(
    it: Screen, account: ChannelAccount
) -> None:
    where, _message = asked(account)
    contact = person()
    it.go(f"/inbox/{where}/")
    it.page.locator("#person").get_by_role("button", name="How do we know this?").first.click()
    dialog = it.page.locator("#how-dialog")
    expect(dialog).to_contain_text("On the road with the Dead again")
    expect(dialog).to_contain_text("certain (100 %)")
    assert it.axe() == []
    it.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    it.go(f"/people/{contact.pk}/")
    it.page.locator('[data-fact="interest"] summary').click()
    it.page.locator('[data-fact="interest"]').get_by_role("button", name="How do we know this?").click()
    it.page.get_by_label("Let it count until").fill("2020-01-01")
    it.page.locator("#how-dialog").get_by_role("button", name="Keep").click()
    expect(it.page.locator('[data-fact="interest"]')).to_have_count(0)
    assert Fact.objects.get(attribute="interest").expires_at is not None


def test_what_reached_them_is_clean_empty_and_full(it: Screen, account: ChannelAccount) -> None:
    _where, message = asked(account)
    contact = person()
    User.objects.update(role="manager")
    for path in (f"/people/{contact.pk}/attention/", "/attention/"):
        it.go(path)
        expect(it.page.get_by_text("yet", exact=False).first).to_be_visible()
        assert it.axe() == []
    for days in (3, 40, 94):
        at = now() - timedelta(days=days)
        Touch.objects.create(
            identity_id=message.sender_id, contact=contact, kind="campaign", channel="email", state="made",
            title="Tours", planned_for=at, made_at=at,
        )  # fmt: skip
    for path in (f"/people/{contact.pk}/attention/", "/attention/"):
        it.go(path)
        assert it.axe() == []
    expect(it.page.locator("table tbody tr")).to_have_count(14)  # weeks, empty ones too


def test_a_complaint_is_marked_in_the_head(it: Screen, account: ChannelAccount) -> None:
    where, message = asked(account)
    it.go(f"/inbox/{where}/")
    it.page.locator("#more > summary, #more summary").first.click()
    it.page.get_by_role("button", name="This is a complaint").click()
    expect(it.page.locator("#talk-head")).to_contain_text("Complaint")
    assert Situation.objects.get(identity_id=message.sender_id).open_case == "angry"
