"""The people's screens in Chromium: clean in both themes and sizes, and each deed done as a person does it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from kith.contacts.models import Contact, CustomField, Fact, Identity, Merge, Organization
from kith.teams.models import User
from kith.work.models import Note, Promise, Task
from tests.support.browser import LOOKS, Screen, look_falls_on, look_over, screen

expect.set_options(timeout=20_000)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("PEOPLE_SHOTS", "")


def _shot(it: Screen, look: str, what: object) -> None:
    if SHOTS:
        it.page.screenshot(path=str(Path(SHOTS) / f"{look}-{what}.png"))


def _person(name: str = "Stephen Markey") -> Contact:
    return Contact.objects.get(name=name).canonical


def _menu(page: Any, name: str, item: str) -> None:
    page.locator(f"details[data-menu] > summary[title='{name}']").click()
    page.locator(".menu-list").get_by_text(item).click()


@pytest.mark.torture
def test_every_screen_is_clean_for_axe_in_both_themes_wide_and_on_a_phone(
    chromium: Any, live_server: Any, mara: User, full: bool
) -> None:
    one, two = _person(), Contact.objects.exclude(name="Stephen Markey").filter(deleted_at=None).first()
    assert two is not None
    company = Organization.objects.order_by("sort_key").first()
    assert company is not None
    paths = [
        "/people/",
        "/people/?q=nobody-of-this-name",
        "/people/?sort=recent&last=365",
        f"/people/{one.pk}/",
        f"/people/{one.pk}/merge/?q=a",
        f"/people/{one.pk}/merge/{two.pk}/",
        "/organizations/",
        f"/organizations/{company.pk}/",
        f"/people/{one.pk}/data/",
        "/people/erased/",
        "/imports/",
    ]
    dialogs = ("new/note", "new/task", "new/promise", "edit", "fact", "role", "link")
    found: list[str] = []
    for look in LOOKS:
        theme, width, height = look
        with screen(chromium, live_server.url, mara, width=width, height=height, theme=theme) as it:
            found += look_over(it, paths, look, full=full, seen=partial(_shot, it, f"{theme}-{width}"))
            it.go(f"/people/{one.pk}/")
            for number, name in enumerate(dialogs):
                if not look_falls_on(number, look, full=full):
                    continue
                it.page.evaluate(
                    "(url) => window.htmx.ajax('GET', url, {target: 'body', swap: 'beforeend'})",
                    f"/people/{one.pk}/{name}/",
                )
                it.page.wait_for_selector("dialog[open]")
                found += [f"{theme} {width} {name}: {line}" for line in it.axe()]
                _shot(it, f"{theme}-{width}", f"dialog-{name.replace('/', '-')}")
                it.page.locator("dialog[open] [data-close]").first.click()
                expect(it.page.locator("dialog[open]")).to_have_count(0)
            found += it.complaints
    assert not found, "\n".join(found)


def test_an_address_is_linked_by_hand_and_unlinked(chromium: Any, live_server: Any, mara: User) -> None:
    person = _person()
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go(f"/people/{person.pk}/")
        page.get_by_role("button", name="Link an address").click()
        page.fill("#f-q", "steve.private@markey.example")
        expect(page.locator("#f-handle")).to_have_value("steve.private@markey.example")
        page.select_option("#f-network", "email")
        page.fill("#f-why", "told me on the phone")
        page.get_by_role("button", name="Link", exact=True).click()
        row = page.locator("#talks li", has_text="steve.private@markey.example")
        expect(row).to_contain_text("a colleague said so")
        expect(row).to_contain_text("told me on the phone")
        expect(row).to_contain_text(mara.name)
        row.locator("summary").click()
        row.get_by_role("button", name="is not theirs").click()
        expect(row).to_have_count(0)
        assert Identity.objects.get(external_id="steve.private@markey.example").contact is None
        page.locator("[data-undo]").click()
        expect(row).to_contain_text("told me on the phone")
        page.get_by_role("button", name="Link an address").click()
        page.fill("#f-q", "info@markey.example")
        expect(page.locator("#f-handle")).to_have_value("info@markey.example")
        page.select_option("#f-network", "email")
        page.get_by_role("button", name="Link", exact=True).click()
        expect(page.locator("dialog [data-refused]")).to_contain_text("shared")
        assert it.complaints == []


def test_two_are_merged_after_looking_and_are_two_again(chromium: Any, live_server: Any, mara: User) -> None:
    keep, lose = (
        _person(),
        Contact.objects.filter(name="Inga Lund").first()
        or Contact.objects.exclude(name="Stephen Markey").exclude(name="").order_by("sort_key")[3],
    )
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go(f"/people/{keep.pk}/")
        _menu(page, "More", "Merge with somebody")
        page.fill("input[name=q][autofocus]", lose.name)
        page.locator("#merge-found a", has_text=lose.name).first.click()
        expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
        page.fill("#reason", "she told us")
        page.get_by_role("button", name="They are one person: merge").click()
        expect(page.locator("#merges")).to_contain_text("she told us")
        page.goto(f"{live_server.url}/people/{lose.pk}/")
        assert page.url.endswith(f"/people/{keep.pk}/")
        page.locator("#merges").get_by_role("button", name="Undo").click()
        page.locator("#confirm").get_by_role("button", name="Go on").click()
        expect(page.locator("#merges")).to_have_count(0)
        page.goto(f"{live_server.url}/people/{lose.pk}/")
        assert page.url.endswith(f"/people/{lose.pk}/")
        expect(page.locator("h1")).to_contain_text(lose.name)
        assert Merge.objects.get().undone_by == mara
        assert it.complaints == []


def test_details_fields_tags_and_roles_are_changed_and_say_how_we_know(
    chromium: Any, live_server: Any, mara: User
) -> None:
    person = _person()
    CustomField.objects.create(key="frame", label="Frame size", kind="number")
    CustomField.objects.create(key="rides", label="Rides", kind="choice", choices=["daily", "sundays"])
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go(f"/people/{person.pk}/")
        _menu(page, "More", "Change details")
        page.fill("[id='f-custom.frame']", "large")
        page.select_option("[id='f-custom.rides']", "daily")
        page.fill("#f-city", "York")
        page.get_by_role("button", name="Keep", exact=True).click()
        expect(page.locator("dialog [data-refused]")).to_contain_text("is a number")
        page.fill("[id='f-custom.frame']", "58,5")
        page.get_by_role("button", name="Keep", exact=True).click()
        known = page.locator("#known")
        expect(known).to_contain_text("Frame size: 58.5")
        city = known.locator("[data-fact=city]")
        expect(city).to_contain_text("York")
        expect(city).to_contain_text(mara.name)
        person.refresh_from_db()
        assert (person.city, person.custom["frame"], person.custom["rides"]) == ("York", 58.5, "daily")
        city.locator("summary").click()
        city.get_by_role("button", name="That's wrong").first.click()
        page.fill("#f-value", "Leeds")
        page.get_by_role("button", name="Put right").click()
        expect(known.locator("[data-fact=city]").locator("summary")).to_contain_text("Leeds")
        wrong = Fact.objects.get(contact=person, attribute="city", value="York")
        assert (wrong.retracted_by, Fact.objects.get(attribute="city", corrects=wrong).value) == (
            mara,
            "Leeds",
        )
        page.locator("summary", has_text="Tag").click()
        page.fill("#tag-name", "night rider")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("list", name="Tags")).to_contain_text("night rider")
        page.get_by_role("button", name="Take off night rider").click()
        expect(page.get_by_role("list", name="Tags")).not_to_contain_text("night rider")
        page.locator("[data-undo]").last.click()
        expect(page.get_by_role("list", name="Tags")).to_contain_text("night rider")
        page.get_by_role("button", name="Add a role").click()
        page.fill("#f-organization", "Markey & Daughters")
        page.fill("#f-role", "Founder")
        page.fill("#f-from", "2019-04-01")
        page.get_by_role("button", name="Keep", exact=True).click()
        expect(page.locator("#work")).to_contain_text("Founder, Markey & Daughters")
        page.get_by_role("link", name="Markey & Daughters").click()
        expect(page.locator("main")).to_contain_text("Steve Markey")
        assert it.complaints == []


def test_what_happened_elsewhere_is_written_down_in_two_taps(
    chromium: Any, live_server: Any, mara: User, tmp_path: Path
) -> None:
    from PIL import Image

    person = _person()
    Image.new("RGB", (90, 60), "beige").save(tmp_path / "letter.jpg")
    (tmp_path / "evil.jpg").write_bytes(b"<svg onload=alert(1)>")
    with screen(chromium, live_server.url, mara, width=390, height=844) as it:
        page = it.page
        it.go(f"/people/{person.pk}/")
        page.get_by_role("button", name="Visit").click()
        expect(page.locator("#words")).to_be_visible()
        assert Note.objects.filter(contact=person, kind="visit", author=mara, text="").count() == 1
        page.fill("#words", "came by for a bell")
        page.get_by_role("button", name="Keep").click()
        expect(page.locator("li[data-kind=visit]").first).to_contain_text("came by for a bell")
        page.locator("input[name=photo]").set_input_files(tmp_path / "letter.jpg")
        picture = page.locator("li[data-kind=letter] img").first
        expect(picture).to_be_visible()
        assert (
            picture.evaluate(
                "i => i.complete ? i.naturalWidth : new Promise(r => i.onload = () => r(i.naturalWidth))"
            )
            == 90
        )
        page.locator("input[name=photo]").set_input_files(tmp_path / "evil.jpg")
        expect(page.locator("#toasts")).to_contain_text("picture or a PDF")
        assert Note.objects.filter(contact=person, kind="letter").count() == 1
        assert it.complaints == []


def test_tasks_and_promises_are_made_and_settled(chromium: Any, live_server: Any, mara: User) -> None:
    person = _person()
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go(f"/people/{person.pk}/")
        page.get_by_role("button", name="Task", exact=True).click()
        page.fill("#f-title", "Call about the hub bearing")
        page.fill("#f-local", "2031-05-06T10:00")
        page.get_by_role("button", name="Add", exact=True).click()
        pending = page.locator("#pending")
        expect(pending).to_contain_text("Call about the hub bearing")
        page.get_by_role("button", name="Promise", exact=True).click()
        page.fill("#f-what", "A free bell")
        page.fill("#f-condition", "when the part is here")
        page.get_by_role("button", name="Keep", exact=True).click()
        row = pending.locator("li", has_text="A free bell")
        expect(row).to_contain_text("when the part is here")
        row.get_by_role("button", name="Kept", exact=True).click()
        expect(page.locator("#done")).to_contain_text("A free bell")
        page.locator("[data-undo]").last.click()
        expect(pending).to_contain_text("A free bell")
        pending.get_by_label(
            "Done: Call about the hub bearing"
        ).click()  # it goes with its row, so that nothing is left to be checked
        expect(pending).not_to_contain_text("Call about the hub bearing")
        assert Task.objects.get(title="Call about the hub bearing").done_by == mara
        assert Promise.objects.get(what="A free bell").kept_at is None
        assert it.complaints == []


def test_the_list_is_searched_filtered_and_tagged_in_bulk(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go("/people/")
        everybody = page.locator("#people [data-pick]").count()
        page.locator("#people [data-pick]").nth(0).check()
        page.locator("#people [data-pick]").nth(1).check()
        expect(page.locator("#bulk")).to_be_visible()
        page.fill("#bulk-tag", "spring fair")
        page.get_by_role("button", name="Tag them").click()
        expect(page.locator("#toasts")).to_contain_text("2 people tagged")
        page.select_option("#by-tag", "spring fair")
        expect(page.locator("#people [data-pick]")).to_have_count(2)
        page.locator("[data-undo]").last.click()
        expect(page.locator("#people")).to_contain_text("Nobody found")
        page.select_option("#by-tag", "")
        expect(page.locator("#people [data-pick]")).to_have_count(everybody)
        page.fill("#find-people", "arke")
        expect(page.locator("#people")).to_contain_text("Markey")
        page.fill("#find-people", "")
        page.select_option("#by-sort", "recent")
        expect(page.locator("#people time").first).to_be_visible()
        page.get_by_role("button", name="New person").click()
        page.fill("#f-name", "Orla Byrne")
        page.fill("#f-email", "orla@byrne.example")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator("h1")).to_contain_text("Orla Byrne")
        expect(page.locator("#talks")).to_contain_text("orla@byrne.example")
        assert it.complaints == []


def test_people_and_mail_are_imported_after_a_look_and_taken_back(
    chromium: Any, live_server: Any, mara: User, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text(
        "Name,Email,City\nOrla Byrne,orla@byrne.example,Cork\nNo Mail,not an address,Bray\n,,\n"
    )
    before = Contact.objects.count()
    with screen(chromium, live_server.url, mara) as it, jobs_at_once():
        page = it.page
        it.go("/people/")
        page.get_by_role("link", name="Import").click()
        page.set_input_files("#file", tmp_path / "people.csv")
        page.get_by_role("button", name="Look through it").click()
        state = page.locator("#import")
        expect(state).to_contain_text("What would happen")
        expect(state).to_contain_text("Number 3: 'not an address' is no e-mail address")
        assert Contact.objects.count() == before
        assert it.axe() == []
        state.get_by_role("button", name="Import").click()
        expect(page.locator("#import [data-state=done]")).to_be_visible()
        assert Contact.objects.filter(name="Orla Byrne").exists()
        page.get_by_role("button", name="Take it back").click()
        page.locator("#confirm").get_by_role("button", name="Go on").click()
        expect(page.locator("#import [data-state=undone]")).to_be_visible()
        assert Contact.objects.count() == before
        assert it.complaints == []


def test_a_person_is_exported_and_erased_only_by_their_name(
    chromium: Any, live_server: Any, mara: User
) -> None:
    person = _person()
    with screen(chromium, live_server.url, mara) as it, jobs_at_once():
        page = it.page
        it.go(f"/people/{person.pk}/")
        _menu(page, "More", "Export or erase")
        page.get_by_role("button", name="Export", exact=True).click()
        with page.expect_download() as download:
            page.locator("#requests a").first.click()
        assert zipfile.is_zipfile(download.value.path())
        page.fill("#words", "somebody else")
        page.get_by_role("button", name="Erase this person").click()
        expect(page.locator("#words-error")).to_contain_text("Nothing was erased")
        assert Contact.objects.get(pk=person.pk).deleted_at is None
        page.fill("#words", "steve markey")
        page.get_by_role("button", name="Erase this person").click()
        expect(page.locator("#requests .chip-good")).to_be_visible()
        expect(page.locator("h1")).to_contain_text("Somebody who was erased")
        assert not Identity.objects.filter(handle="steve@markey.example").exists()
        assert [c for c in it.complaints if "422" not in c] == []


@contextmanager
def jobs_at_once() -> Iterator[None]:
    """What a screen enqueues is done as soon as it is committed: no worker runs beside the test."""
    from django.db import transaction

    from kith.workspace import jobs
    from kith.workspace.imports import screen as importing

    patch = pytest.MonkeyPatch()

    def now(task: Any, **arguments: Any) -> None:
        work = {
            jobs.person_request_run: jobs.person_request_run,
            jobs.import_check_run: jobs.import_check_run,
            jobs.import_file_run: jobs.import_file_run,
        }[task]
        transaction.on_commit(lambda: work.func(**arguments))

    patch.setattr("kith.core.jobs.defer", now)
    patch.setattr(importing, "defer", now)
    patch.setattr("kith.workspace.erasure.defer", now)
    try:
        yield
    finally:
        patch.undo()


def test_on_a_phone_what_is_pending_and_what_was_done_come_before_the_details(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara, width=390, height=844) as it:
        it.go(f"/people/{_person().pk}/")
        parts = ["#pending", "#done", "#talks", "#known", "[aria-labelledby=timeline-title]"]
        tops = [it.page.locator(part).bounding_box()["y"] for part in parts]
        assert tops == sorted(tops)
        assert tops[1] < 844, "what was done is on the first screen too"
        it.page.locator("#pending").get_by_role("button", name="Task", exact=True).click()
        expect(it.page.locator("#task-dialog")).to_be_visible()
        assert it.complaints == []


def test_never_contact_is_said_shown_and_lifted_by_a_manager_with_a_reason(
    chromium: Any, live_server: Any, mara: User
) -> None:
    person = _person()
    agent = User.objects.get(role="agent", name__startswith="Lena")
    with screen(chromium, live_server.url, agent) as it:
        it.go(f"/people/{person.pk}/")
        _menu(it.page, "More", "Never contact")
        it.page.fill("#f-reason", "leave me alone")
        it.page.get_by_role("button", name="Never contact", exact=True).last.click()
        box = box_of(it.page)
        expect(box).to_contain_text("leave me alone")
        expect(box).to_contain_text(agent.name)
        expect(box.get_by_role("button")).to_have_count(0)
        assert it.complaints == []
    with screen(chromium, live_server.url, mara) as it:
        it.go(f"/people/{person.pk}/")
        assert it.axe() == []
        it.page.get_by_role("button", name="Lift it").click()
        expect(it.page.locator("#lift-dialog")).to_contain_text("leave me alone")
        it.page.fill("#f-reason", "he wrote again and asked")
        it.page.get_by_role("button", name="They may be written to").click()
        expect(it.page.locator("#toasts")).to_contain_text("may be written to again")
        expect(box_of(it.page)).to_have_count(0)
        it.go("/settings/audit/")
        expect(it.page.locator("main")).to_contain_text("he wrote again and asked")
        assert it.complaints == []


def box_of(page: Any) -> Any:
    return page.locator("#never")


def test_who_works_where_is_added_and_ended_on_the_company_s_side_and_seen_on_the_person_s(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        it.go("/organizations/")
        page.get_by_role("button", name="New company").click()
        page.fill("#f-name", "Leeds Couriers")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator("h1")).to_have_text("Leeds Couriers")
        page.get_by_role("button", name="Add somebody").click()
        page.fill("#f-q", "markey")
        expect(page.locator("#colleague-found")).to_contain_text("Markey")
        page.fill("#f-role", "Rider")
        assert it.axe() == []
        page.get_by_role("button", name="Keep", exact=True).click()
        people = page.locator("#company-people")
        expect(people).to_contain_text("Rider")
        it.go(f"/people/{_person().pk}/")
        expect(page.locator("#work")).to_contain_text("Rider, Leeds Couriers")
        page.locator("#work").get_by_role("link", name="Leeds Couriers").click()
        page.locator("#company-people details[data-menu] > summary").click()
        page.get_by_role("button", name="Ended today").click()
        expect(page.locator("#company-former")).to_contain_text("Rider")
        expect(people).to_contain_text("Nobody is known there.")
        it.go(f"/people/{_person().pk}/")
        expect(page.locator("#work")).to_contain_text("until")
        assert it.complaints == []
