"""Mailings in Chromium: from the list of people to a draft, its dry run, the sending, and the queue of what is held."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from kith.base.clock import now
from kith.campaigns.models import Mailing
from kith.campaigns.services.send import send
from kith.channels.models import Delivery
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_create
from kith.core import company
from kith.trust.models import Consent, ContactPolicy, Decision, Topic, Touch
from kith.trust.services import situation_open_case, suppression_add
from tests.support.browser import LOOKS, Screen, look_over, screen
from tests.support.cast import Cast, cast_make

expect.set_options(timeout=20_000)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("MAILING_SHOTS", "")


def _shot(it: Screen, what: str) -> None:
    if SHOTS:
        it.page.screenshot(path=str(Path(SHOTS) / f"{what}.png"))


@pytest.fixture
def cast(live_server: Any) -> Cast:
    company.set_value("name", "Bicycles Ltd")
    made = cast_make()
    ContactPolicy.objects.create(text='[quiet]\nfrom = "00:00"\nuntil = "00:00"\n')
    Topic.objects.create(key="news", name="News")
    for n in range(12):
        contact = contact_create(name=f"Paula Price{n}")
        Contact.objects.filter(pk=contact.pk).update(given_name="Paula", name_confidence=0.9)
        one = Identity.objects.create(
            network="email", external_id=f"p{n}@x.example", handle=f"p{n}@x.example", contact=contact
        )
        if n > 2:
            Consent.objects.create(
                identity=one, purpose="news", channel="email", status="given", given_at=now()
            )
        if n in (4, 5):
            situation_open_case(identity_ids=[one.pk], case="angry")
        if n == 6:
            suppression_add(network="email", address=one.external_id)
        if n in (7, 8):
            Touch.objects.create(
                identity=one, kind="campaign", channel="email", state="made", planned_for=now()
            )
    contact_create(name="Nobody Knows")
    return made


def test_from_the_list_of_people_to_the_queue(chromium: Any, live_server: Any, cast: Cast) -> None:
    with screen(chromium, live_server.url, cast.olga) as it:
        it.go("/people/")
        it.page.locator("[data-pick]").first.check()
        it.page.get_by_role("button", name="Pick all shown").click()
        it.page.get_by_role("button", name="Write to them").click()
        expect(it.page.get_by_text("To 13 people")).to_be_visible()
        it.page.get_by_label("Title").fill("Spring")
        it.page.get_by_label("Subject").fill("Spring, {name}")
        it.page.get_by_label("Text", exact=True).fill("Hello {name},\nspring is here.")
        it.page.get_by_role("button", name="Who would get it?").click()
        expect(it.page.get_by_role("heading", name="Who would get it")).to_be_visible()
        rows = it.page.locator("tbody tr")
        expect(rows).to_have_count(6)
        expect(rows.first).to_contain_text("Nothing speaks against it.")
        _shot(it, "dry-run")
        rows.filter(has_text="They have an open complaint.").get_by_role("link").first.click()
        expect(it.page.get_by_text("p4@x.example")).to_be_visible()
        expect(it.page.get_by_text("p9@x.example")).to_have_count(0)
        _shot(it, "people")
        it.page.go_back()
        # Each part of the chart opens its people: by the pointer on the bar, by the keyboard in the list below.
        it.page.locator("svg a[href*='outcome=deny']").click()
        expect(it.page.get_by_role("heading", name="would not get it")).to_be_visible()
        expect(it.page.locator("main li")).to_have_count(4)
        it.page.go_back()
        it.page.get_by_role("list", name="Who would get it").get_by_role("link", name="held back").focus()
        it.page.keyboard.press("Enter")
        expect(it.page.locator("main li")).to_have_count(4)
        it.page.go_back()
        it.page.get_by_text("Day by day").click()
        it.page.locator("figure li a").first.focus()
        it.page.keyboard.press("Enter")
        expect(it.page.get_by_role("heading", name="Free on")).to_be_visible()
        expect(it.page.locator("main li")).to_have_count(2)
        it.page.go_back()
        with it.page.expect_download() as loaded:
            it.page.get_by_role("link", name="As CSV").click()
        lines = Path(loaded.value.path()).read_text(encoding="utf-8-sig").splitlines()
        assert len(lines) == 14
        it.page.get_by_role("button", name="Send it").click()
        it.page.get_by_role("button", name="Go on").click()
        expect(it.page.get_by_text("It begins in 10 seconds")).to_be_visible()
        mailing = Mailing.objects.get()
        assert mailing.state == "sending"
        send(mailing.pk)
        expect(it.page.locator("[data-state=done]")).to_be_visible()
        _shot(it, "done")
        assert Delivery.objects.count() == 4
        it.page.locator("#mailing").get_by_role("link", name="Held back").click()
        expect(it.page.locator("[data-held]")).to_have_count(4)
        _shot(it, "held")
        angry = it.page.locator("[data-held]").filter(has_text="open complaint").first
        angry.get_by_role("checkbox").check()
        it.page.get_by_role("button", name="Send now").click()
        expect(it.page.get_by_text("Say why it may go all the same.")).to_be_visible()
        it.page.get_by_label("Why it may go all the same").fill("She asked for it on the phone")
        it.page.get_by_role("button", name="Send now").click()
        expect(it.page.get_by_text("1 is on its way")).to_be_visible()
        expect(it.page.locator("[data-held]")).to_have_count(3)
        assert Decision.objects.filter(override_reason="She asked for it on the phone").exists()
        it.page.locator("[data-held]").first.get_by_role("checkbox").check()
        it.page.get_by_role("button", name="Drop").click()
        expect(it.page.locator("[data-held]")).to_have_count(2)
        it.page.get_by_role("button", name="Undo").click()
        expect(it.page.locator("[data-held]")).to_have_count(3)
        assert it.complaints == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_the_screens_are_clean_for_axe(
    chromium: Any, live_server: Any, cast: Cast, look: tuple[str, int, int], full: bool
) -> None:
    from kith.campaigns.services.check import mailing_check
    from kith.campaigns.services.send import mailing_send
    from kith.workspace.mailing_lists import list_of_view
    from kith.workspace.people_list import PeopleView

    values = {"purpose": "news", "account": cast.accounts["info"], "subject": "Spring", "text": "Spring is here.",
              "people": list_of_view(PeopleView(network="email")), "author": cast.olga}  # fmt: skip
    sent = mailing_check(mailing=Mailing.objects.create(title="Sent", **values))
    mailing_send(mailing=sent, user=cast.olga)
    send(sent.pk)
    draft = mailing_check(mailing=Mailing.objects.create(title="Draft", **values))
    theme, width, height = look
    paths = [
        "/mailings/",
        f"/mailings/{draft.pk}/",
        f"/mailings/{sent.pk}/",
        f"/mailings/{draft.pk}/people/",
        "/held/",
    ]
    with screen(chromium, live_server.url, cast.olga, width=width, height=height, theme=theme) as it:

        def seen(number: int) -> None:
            _shot(it, f"{theme}-{width}-{number}")

        assert look_over(it, paths, look, full=full or bool(SHOTS), seen=seen) == []
        assert it.complaints == []
