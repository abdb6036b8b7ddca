"""Tags for all that the list's filters match: part by part, nobody else, and back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from kith.contacts.models import Contact, ContactTag, Tag
from kith.contacts.services import contact_create, contacts_tag
from kith.teams.models import User
from kith.web.people import bulk
from kith.workspace.people_list import PeopleView, people_ids
from tests.support.browser import screen
from tests.support.cast import Cast, client_of


def _tagged(name: str) -> set[str]:
    return set(ContactTag.objects.filter(tag__name=name).values_list("contact__name", flat=True))


def _finish(client: Client, response: Any) -> int:
    """Follow the parts as the browser does; how many requests that took."""
    count = 1
    while b"bulk-progress" in response.content and b"hx-post" in response.content:
        text = response.content.decode()
        address = re.search(r'hx-post="([^"]+)"', text)
        values = re.search(r"hx-vals='([^']+)'", text)
        assert address
        assert values

        response = client.post(address[1], json.loads(values[1].replace("&#34;", '"')))
        count += 1
    assert response.headers.get("HX-Refresh") == "true"
    return count


@pytest.mark.django_db
def test_everybody_who_matches_is_tagged_part_by_part_and_only_they_are_undone(
    cast: Cast, monkeypatch: Any
) -> None:
    monkeypatch.setattr(bulk, "PART", 2)
    client = client_of(cast.carl)
    for name in ("Ada", "Bea", "Cyd", "Dot", "Eve"):
        contact_create(name=name)
    Contact.objects.exclude(name="Eve").update(owner=cast.carl)
    old = Tag.objects.create(name="fair")
    contacts_tag(contact_ids=[Contact.objects.get(name="Bea").pk], tag=old)
    listed = f"owner={cast.carl.pk}"
    button = client.get(f"{reverse('people_bulk_all')}?{listed}")
    assert "All 4 of this list" in button.content.decode()
    answer = client.post(reverse("people_bulk"), {"all": "1", "list": listed, "deed": "tag", "tag": "fair"})
    assert _finish(client, answer) == 3
    assert _tagged("fair") == {"Ada", "Bea", "Cyd", "Dot"}
    undo = _undo_in(client)
    _finish(client, client.post(undo))
    assert _tagged("fair") == {"Bea"}, "who carried it before carries it still"
    _finish(client, client.post(undo))
    assert _tagged("fair") == {"Bea"}, "a second undo does nothing"


def _undo_in(client: Client) -> str:
    found = re.search(r"/people/bulk/[0-9a-f-]{36}/undo/", str(dict(client.session)))
    assert found
    return found[0]


@pytest.mark.django_db
def test_those_who_only_read_tag_nobody_and_another_cannot_undo(cast: Cast) -> None:
    contact_create(name="Ada")
    assert client_of(cast.pia).post(reverse("people_bulk"), {"all": "1", "tag": "fair"}).status_code == 403
    carl = client_of(cast.carl)
    _finish(carl, carl.post(reverse("people_bulk"), {"all": "1", "list": "", "tag": "fair"}))
    client_of(cast.olga).post(_undo_in(carl))
    assert _tagged("fair") == {"Ada"}


@pytest.mark.django_db
def test_a_search_means_all_that_it_finds_and_filters_narrow_it(cast: Cast) -> None:
    for number in range(70):
        made = contact_create(name=f"Brunner {number}")
        Contact.objects.filter(pk=made.pk).update(owner=cast.carl if number % 2 else None)
    viewer = cast.viewer(cast.carl)
    assert len(people_ids(viewer, PeopleView(search="brunn"))) == 70
    assert len(people_ids(viewer, PeopleView(search="brunn", owner=str(cast.carl.pk)))) == 35
    page = client_of(cast.carl).get("/people/?q=brunn").content.decode()
    assert "The best are shown" in page


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_all_that_match_are_picked_tagged_and_let_go_in_the_browser(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go("/people/")
        page.select_option("#by-channel", "email")
        expect(page.locator("#people-list")).to_have_value(re.compile("channel="))
        page.locator("#people [data-pick]").first.check()
        page.get_by_role("button", name="Pick all shown").click()
        every = page.locator("[data-pick-all]")
        expect(every).to_be_visible(timeout=60_000)
        total = int(every.get_attribute("data-pick-all"))
        assert total > 60
        assert it.axe() == []
        every.click()
        expect(page.locator("#bulk [data-count]")).to_contain_text(str(total))
        page.fill("#bulk-tag", "spring fair")
        page.get_by_role("button", name="Tag them").click()
        expect(page.locator("#toasts")).to_contain_text(f"{total} people tagged", timeout=60_000)
        assert ContactTag.objects.filter(tag__name="spring fair").count() == total
        page.locator("[data-undo]").last.click()
        expect(page.locator("#toasts")).to_contain_text("Taken back", timeout=60_000)
        assert not ContactTag.objects.filter(tag__name="spring fair").exists()
        assert it.complaints == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_filter_that_is_chosen_while_the_page_loads_counts(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go("/people/")
        everybody = page.locator("#people [data-pick]").count()

        # As soon as the field is parsed and before any script of ours runs, which is when a quick hand types.
        page.add_init_script(
            "new MutationObserver((_, self) => { const box = document.getElementById('find-people');"
            " if (box) { box.value = 'arke'; self.disconnect(); } }).observe(document, {childList: true, subtree: true})"
        )
        it.go("/people/")
        expect(page.locator("#people")).to_contain_text("Markey")
        expect(page.locator("#people [data-pick]")).not_to_have_count(everybody)
        assert it.complaints == []
