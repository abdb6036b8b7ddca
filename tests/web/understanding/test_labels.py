"""Labels in a conversation and in the list: what is shown, how we know, and how a person corrects it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect

from kith.conversations.models import Message
from kith.core.models import AuditEvent
from kith.teams.models import User
from kith.understanding.models import Annotation, Correction
from kith.understanding.services import messages_annotate
from tests.support import house
from tests.support.browser import Screen, screen
from tests.support.cast import Cast, cast_make
from tests.support.cast import client_of as signed_in
from tests.support.reader import ANGRY, GLAD, TORN, Aspect, Reader
from tests.web.inbox.desk import asked, played

expect.set_options(timeout=20_000)  # machines that test are busy
READER = Reader(
    late={
        "intents": ("complaint",),
        "intent_scores": {"complaint": 0.91},
        "aspects": (Aspect("the bell", "negative"),),
        **ANGRY,
    },
    human={"intents": ("person", "complaint"), "urgency": 0.9, **ANGRY},
    lovely={"intents": ("thanks",), **GLAD},
    hm=TORN,
)


@pytest.fixture
def cast(db: None) -> Cast:
    return cast_make()


def read(cast: Cast, text: str, **rest: Any) -> tuple[uuid.UUID, uuid.UUID]:
    """A mail that was read: its conversation and its message."""
    told = cast.mail(rest.pop("scope", cast.everyone), text=text, subject="", **rest)
    messages_annotate([told.message_id], annotator=READER)
    return told.conversation_id, told.message_id


def page(client: Client, address: str, **rest: Any) -> str:
    answer = client.get(address, **rest)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


@pytest.mark.django_db
def test_a_message_shows_two_labels_and_a_row_one(cast: Cast) -> None:
    conversation, message = read(cast, "a human, now")
    client = signed_in(cast.olga)
    shown = page(client, f"/inbox/{conversation}/", headers={"HX-Request": "true"})
    labels = shown.split(f'id="labels-{message}"')[1].split("</summary>")[0]
    assert labels.count('class="chip') == 2
    assert labels.index("wants a person") < labels.index("complaint")
    row = page(client, "/inbox/?part=list", headers={"HX-Request": "true"})
    assert row.count("wants a person") == 1
    assert "complaint" not in row


@pytest.mark.django_db
def test_what_is_neutral_has_no_label_and_what_is_unsure_says_so(cast: Cast) -> None:
    client = signed_in(cast.olga)
    plain, message = read(cast, "when do you open")
    shown = page(client, f"/inbox/{plain}/", headers={"HX-Request": "true"})
    assert f'id="labels-{message}"' not in shown
    unsure, message = read(cast, "hm", sender="b@outside.example")
    shown = page(client, f"/inbox/{unsure}/", headers={"HX-Request": "true"})
    assert "not sure" in shown.split(f'id="labels-{message}"')[1].split("</summary>")[0]
    assert "not sure" not in page(client, "/inbox/?part=list", headers={"HX-Request": "true"})
    assert "not sure: perhaps negative" in page(client, f"/messages/{message}/labels/")


@pytest.mark.django_db
def test_the_reason_shows_scores_aspects_reader_and_model(cast: Cast) -> None:
    _, message = read(cast, "the bell is late")
    shown = page(signed_in(cast.olga), f"/messages/{message}/labels/")
    for words in (
        "complaint",
        "91%",
        "90%",
        "the bell: negative",
        "the careful reader",
        "test-1-best",
        "English",
    ):
        assert words in shown, words
    assert "This is wrong" in shown
    assert "This is wrong" not in page(signed_in(cast.pia), f"/messages/{message}/labels/")


@pytest.mark.django_db
def test_the_list_is_narrowed_by_label_in_the_address_in_a_view_and_in_scope(cast: Cast) -> None:
    read(cast, "late", name="Ada Angry")
    read(cast, "lovely", sender="b@outside.example", name="Bea Glad")
    read(cast, "late", sender="c@outside.example", name="Cleo Secret", scope=cast.private)
    client = signed_in(cast.olga)
    shown = page(client, "/inbox/?label=complaint&part=list", headers={"HX-Request": "true"})
    assert ("Ada Angry" in shown, "Bea Glad" in shown, "Cleo Secret" in shown) == (True, False, False)
    shown = page(client, "/inbox/?label=positive&part=list", headers={"HX-Request": "true"})
    assert ("Ada Angry" in shown, "Bea Glad" in shown) == (False, True)
    assert "Complaint" in page(client, "/inbox/?label=complaint")
    kept = client.post(
        "/inbox/views/save/", {"name": "Complaints", "label": "complaint"}, headers={"HX-Request": "true"}
    )
    assert kept.status_code == 200
    from kith.engagement.models import SavedView

    view = SavedView.objects.get()
    assert "label:complaint" in view.query
    shown = page(client, f"/inbox/saved-{view.pk}/?part=list", headers={"HX-Request": "true"})
    assert ("Ada Angry" in shown, "Bea Glad" in shown) == (True, False)


@pytest.mark.django_db
def test_a_correction_counts_at_once_is_audited_and_taken_back(cast: Cast) -> None:
    conversation, message = read(cast, "late")
    client = signed_in(cast.carl)
    answer = client.post(
        f"/messages/{message}/labels/correct/",
        {"sentiment": "neutral", "emotion": "none", "wishes": "1", "intents": "question"},
        headers={"HX-Request": "true"},
    )
    assert "Corrected: Mood, What they want" in answer.content.decode()
    assert Annotation.objects.get().labels == ["question"]
    assert AuditEvent.objects.filter(action="label_corrected", subject_id=message).count() == 1
    shown = page(client, f"/messages/{message}/labels/")
    assert "said by Carl; the model said: negative" in shown
    assert f'id="labels-{message}"' not in page(
        client, f"/inbox/{conversation}/", headers={"HX-Request": "true"}
    )
    batch = Correction.objects.values_list("batch", flat=True).distinct().get()
    assert client.post(f"/labels/undo/{batch}/", headers={"HX-Request": "true"}).status_code == 200
    assert Annotation.objects.get().labels == ["complaint", "negative"]
    again = client.post(f"/labels/undo/{batch}/", headers={"HX-Request": "true"})
    assert "taken back already" in again.content.decode()


@pytest.mark.django_db
def test_who_only_reads_or_is_outside_the_scope_corrects_nothing(cast: Cast) -> None:
    _, message = read(cast, "late", scope=cast.private)
    values = {"sentiment": "neutral"}
    for user, status in ((cast.pia, 403), (cast.ines, 404)):
        answer = signed_in(user).post(f"/messages/{message}/labels/correct/", values)
        assert answer.status_code == status
        assert signed_in(user).get(f"/messages/{message}/labels/").status_code == 404
    assert Correction.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values", [{"sentiment": "furious"}, {"emotion": "<b>"}, {"wishes": "1", "intents": "mystery"}]
)
def test_what_is_no_label_is_refused_in_words(cast: Cast, values: dict[str, str]) -> None:
    _, message = read(cast, "late")
    answer = signed_in(cast.carl).post(
        f"/messages/{message}/labels/correct/", values, headers={"HX-Request": "true"}
    )
    assert "This label cannot say that." in answer.content.decode()
    assert Correction.objects.count() == 0


@pytest.fixture
def mara(live_server: Any) -> User:
    return house.user()


@pytest.fixture
def it(chromium: Any, live_server: Any, mara: User) -> Iterator[Screen]:
    with screen(chromium, live_server.url, mara) as made:
        yield made
        assert made.complaints == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_label_is_opened_corrected_by_keyboard_and_taken_back(it: Screen, mara: User) -> None:
    conversation, message = asked(played(), text="the bell is late")
    messages_annotate([message.pk], annotator=READER)
    it.go(f"/inbox/{conversation}/")
    labels = it.page.locator(f"#labels-{message.pk}")
    expect(labels).to_contain_text("complaint")
    labels.locator("> summary").focus()
    it.page.keyboard.press("Enter")
    expect(labels).to_contain_text("How we know")
    assert it.axe() == []
    labels.locator("[data-correct]").focus()
    it.page.keyboard.press("Enter")
    dialog = it.page.locator("#what-was-read")
    mood = dialog.locator("select[name=sentiment]")
    mood.focus()
    it.page.keyboard.type("neu")
    expect(mood).to_have_value("neutral")
    dialog.get_by_label("complaint", exact=True).press("Space")
    dialog.get_by_role("button", name="Correct", exact=True).press("Enter")
    expect(labels).to_have_count(0)
    assert Message.objects.get(pk=message.pk).labels == []
    it.page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(labels).to_contain_text("complaint")
    assert Annotation.objects.get(message=message).sentiment == "negative"


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_message_without_labels_is_corrected_from_its_menu(it: Screen, mara: User) -> None:
    conversation, message = asked(played(), text="nothing works any more")
    messages_annotate([message.pk], annotator=READER)
    it.go(f"/inbox/{conversation}/")
    it.page.locator(f"#menu-{message.pk} > summary").click()
    it.page.get_by_role("button", name="What was read in it").click()
    dialog = it.page.locator("#what-was-read")
    expect(dialog).to_contain_text("neutral")
    dialog.get_by_label("complaint", exact=True).check()
    assert it.axe() == []
    dialog.get_by_role("button", name="Correct", exact=True).click()
    expect(it.page.locator(f"#labels-{message.pk}")).to_contain_text("complaint")
    expect(dialog).to_have_count(0)
