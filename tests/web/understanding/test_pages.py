"""The pages of what is read: figures with their n, ten checks by keyboard, names, and what is said of what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect

from kith.base.clock import now
from kith.core.models import AuditEvent
from kith.teams.models import User
from kith.understanding import preferences
from kith.understanding.models import Check, Entity
from kith.understanding.services import entity_save, messages_annotate
from kith.understanding.sweeps import running, sweep_go_on
from tests.support import house
from tests.support.browser import Screen, screen
from tests.support.cast import Cast, cast_make
from tests.support.cast import client_of as signed_in
from tests.support.reader import ANGRY, Aspect, Reader
from tests.web.inbox.desk import asked, played

expect.set_options(timeout=20_000)  # machines that test are busy
READER = Reader(late={"intents": ("complaint",), "aspects": (Aspect("bell", "negative"),), **ANGRY})
PAGE = "/settings/understanding/"


@pytest.fixture
def cast(db: None) -> Cast:
    return cast_make()


def mail(cast: Cast, text: str, **rest: Any) -> Any:
    told = cast.mail(
        rest.pop("scope", cast.everyone),
        sender=f"p{cast.number}@x.example",
        text=text,
        subject="",
        at=now() - timedelta(hours=cast.number + 1),
    )
    messages_annotate([told.message_id], annotator=READER)
    return told


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.mark.django_db
def test_every_figure_has_its_n_and_leads_to_its_messages(cast: Cast) -> None:
    mail(cast, "late")
    mail(cast, "fine")
    mail(cast, "the hidden one", scope=cast.private)
    client = signed_in(cast.olga)
    assert "Nobody has checked any message yet" in page(client, PAGE)
    drawn = client.get(PAGE + "check/").content.decode()
    message = re.search(r'name="message" value="([^"]+)"', drawn)
    assert message is not None
    assert (
        client.post(PAGE + "check/", {"message": message[1], "outcome": "right", "number": "0"}).status_code
        == 302
    )
    shown = page(client, PAGE)
    assert "100% 21%–100%, n=1" in shown
    assert "English (too few to say)" in shown
    listed = page(client, PAGE + "messages/?what=read&language=en")
    assert ("late" in listed, "fine" in listed, "the hidden one" in listed) == (True, True, False)


@pytest.mark.django_db
def test_the_drawn_message_stays_until_it_is_answered_and_a_wrong_one_says_what_is_right(cast: Cast) -> None:
    for _ in range(12):
        mail(cast, "late")
    client = signed_in(cast.olga)

    def drawn(text: str) -> str:
        found = re.search(r'name="message" value="([^"]+)"', text)
        assert found is not None
        return found[1]

    first = drawn(client.get(PAGE + "check/").content.decode())
    assert {drawn(client.get(PAGE + "check/").content.decode()) for _ in range(5)} == {first}
    wrong = {"message": first, "outcome": "wrong", "number": "0", "wishes": "1", "intents": "complaint"}
    refused = client.post(PAGE + "check/", {**wrong, "sentiment": "negative", "emotion": "none"})
    assert refused.status_code == 422
    assert drawn(refused.content.decode()) == first
    kept = client.post(PAGE + "check/", {**wrong, "sentiment": "neutral", "emotion": "none"}, follow=True)
    assert drawn(kept.content.decode()) != first
    assert Check.objects.get().wrong == ["sentiment"]
    assert "ten are done" in page(client, PAGE + "check/?number=10")


@pytest.mark.django_db
def test_who_may_not_see_a_message_does_not_check_it(cast: Cast) -> None:
    told = mail(cast, "late", scope=cast.private)
    client = signed_in(cast.olga)
    assert "nothing left to check" in page(client, PAGE + "check/")
    answer = client.post(PAGE + "check/", {"message": str(told.message_id), "outcome": "right"})
    assert (answer.status_code, Check.objects.count()) == (422, 0)


@pytest.mark.django_db
def test_names_are_kept_looked_for_and_deleted(cast: Cast) -> None:
    mail(cast, "Glocke late")
    client = signed_in(cast.olga)
    assert client.post(PAGE + "names/new/", {"kind": "product", "name": "x"}).status_code == 422
    values = {"kind": "product", "name": "Velo Bell", "spellings": "GLÖCKE\nGlocke"}
    assert client.post(PAGE + "names/new/", values).status_code == 302
    again = client.post(PAGE + "names/new/", values)
    assert "This name is there already." in again.content.decode()
    (sweep,) = running()
    sweep_go_on(sweep.pk)
    assert "Velo Bell (our product)" in page(client, PAGE + "said/")
    row = Entity.objects.get()
    assert "Glocke late" in page(client, f"{PAGE}messages/?name={row.pk}")
    assert client.post(f"{PAGE}names/{row.pk}/delete/").status_code == 302
    assert Entity.objects.count() == 0
    assert set(AuditEvent.objects.filter(subject_kind="entity").values_list("action", flat=True)) == {
        "entity_saved",
        "entity_deleted",
    }
    assert signed_in(cast.carl).post(PAGE + "names/new/", values).status_code == 403


@pytest.mark.django_db
def test_the_choice_of_readers_is_a_managers_and_is_told(cast: Cast) -> None:
    assert signed_in(cast.carl).post(PAGE + "choose/", {"tier": "fast"}).status_code == 403
    signed_in(cast.olga).post(PAGE + "choose/", {"tier": "fast"})
    assert preferences.chosen() == "fast"
    signed_in(cast.olga).post(PAGE + "choose/", {"tier": "mystery"})
    assert preferences.chosen() == "fast"
    assert AuditEvent.objects.get(action="understanding_chosen").details == {
        "before": "inbound",
        "after": "fast",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", ["what=mystery", "language=%00", "month=2020-99&aspect=x", "cursor=zz", "name=zz"]
)
def test_addresses_that_nobody_made_show_a_page(cast: Cast, query: str) -> None:
    page(signed_in(cast.olga), f"{PAGE}messages/?{query}")


@pytest.fixture
def it(chromium: Any, live_server: Any) -> Iterator[Screen]:
    mara: User = house.user("Mara", "owner")
    with screen(chromium, live_server.url, mara) as made:
        yield made
        assert made.complaints == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_messages_are_checked_by_keyboard_and_the_pages_are_clean(it: Screen) -> None:
    account = played()
    for number in range(2):
        _, message = asked(account, text="the bell is late", who=f"p{number}@x.example")
        messages_annotate([message.pk], annotator=READER)
    entity_save(kind="product", name="Bell")
    (sweep,) = running()
    sweep_go_on(sweep.pk)
    it.go(PAGE + "check/")
    expect(it.page.get_by_text("1 of 10")).to_be_visible()
    assert it.axe() == []
    it.page.keyboard.press("1")
    expect(it.page.get_by_text("2 of 10")).to_be_visible()
    it.page.wait_for_load_state("load")  # keys are heard once the script is there
    it.page.keyboard.press("2")
    mood = it.page.locator("#mood-check")
    expect(mood).to_be_visible()
    assert it.axe() == []
    mood.select_option("neutral")
    it.page.get_by_role("button", name="This is right").click()
    expect(it.page.get_by_text("There is nothing left to check here.")).to_be_visible()
    assert sorted(Check.objects.values_list("outcome", flat=True)) == ["right", "wrong"]
    for address in ("", "said/", "names/", "names/new/", "messages/?what=read"):
        it.go(PAGE + address)
        assert it.axe() == [], address
