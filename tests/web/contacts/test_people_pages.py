"""What the people's pages say, asked without a browser: columns, languages, rows that open, addresses that are blocked."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils.translation import override

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_create, contact_for_identity, contact_own
from kith.contacts.services.facts import fact_record
from kith.conversations.models import MessageCopy
from kith.teams.models import User
from kith.web.people.fields import fact_words, language_choices, language_words
from kith.web.places import country_choices, country_words, zone_choices, zone_words
from kith.work.services import promise_make, task_create
from kith.workspace.imports import ImportRefused, import_run
from kith.workspace.models import Import
from kith.workspace.people_more import people_more
from tests.support.cast import Cast, cast_make, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return cast_make()


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def ada(cast: Cast, **rest: object) -> Contact:
    """Ada, who wrote to sales."""
    made = cast.mail(cast.sales_scope, **rest)  # type: ignore[arg-type]
    sender = MessageCopy.objects.get(message_id=made.message_id).message.sender
    assert sender is not None
    return contact_for_identity(identity=sender, user=cast.carl)


def test_the_list_says_what_is_open_within_what_one_may_see(cast: Cast) -> None:
    person = ada(cast, subject="The bell is silent")
    viewer = cast.viewer(cast.carl)
    task_create(viewer, title="Send a bell", contact_id=person.pk, due_at=now() - timedelta(days=1))
    promise_make(viewer, contact_id=person.pk, what="It rings again", who_id=cast.carl.pk)
    contact_own(contact=person, owner=cast.ines)
    more = people_more(viewer, [person.pk])[person.pk]
    assert (more.talk, more.open, more.pending, more.overdue, more.owner) == (
        "The bell is silent",
        1,
        2,
        True,
        "Ines",
    )
    assert more.waiting_since is not None
    row = words(client_of(cast.carl).get("/people/").content.decode())
    assert "The bell is silent" in row
    assert "2 pending" in row
    assert "Ines" in row
    other = people_more(cast.viewer(cast.ines), [person.pk])[person.pk]
    assert (other.talk, other.talk_id, other.open, other.owner) == ("", None, 0, "Ines")
    assert "The bell is silent" not in client_of(cast.ines).get("/people/").content.decode()


def test_a_row_of_the_timeline_opens_the_conversation_at_its_message(cast: Cast) -> None:
    person = ada(cast)
    page = client_of(cast.carl).get(f"/people/{person.pk}/").content.decode()
    message = MessageCopy.objects.get().message_id
    row = page.split(f'id="t-{message}"')[1].split("</li>")[0]
    found = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', row)
    assert len(found) == 1
    assert found[0][0].endswith(f"?m={message}#m-{message}")
    assert words(found[0][1]) == "The bell"
    assert "Open the conversation" not in page


def test_a_language_is_called_by_its_name_in_the_readers_language(cast: Cast) -> None:
    person = contact_create(name="Ada Lovelace", language="en", user=cast.carl)
    client = client_of(cast.carl)
    assert "Ada Lovelace · English" in words(client.get(f"/people/{person.pk}/").content.decode())
    User.objects.filter(pk=cast.carl.pk).update(language="de")
    page = words(client.get(f"/people/{person.pk}/").content.decode())
    assert "Ada Lovelace · Englisch" in page
    assert "Sprache: Englisch" in page
    form = client.get(f"/people/{person.pk}/edit/").content.decode()
    assert re.search(r'<option value="en" selected>Englisch</option>', form)
    with override("es"):
        assert [language_words(code) for code in ("de", "pt-BR", "de-AT", "zh", "qq", "")] == [
            "Alemán", "Portugués de Brasil", "Alemán", "Chino simplificado", "qq", "",
        ]  # fmt: skip
        assert ("qq", "qq") in language_choices("qq")
        assert (fact_words("language", "en"), fact_words("city", "en")) == ("Inglés", "en")


def test_a_country_and_a_time_zone_are_shown_and_chosen_by_name(cast: Cast) -> None:
    person = contact_create(
        name="Ada Lovelace", country="GB", time_zone="Asia/Kolkata", city="London", user=cast.carl
    )
    User.objects.filter(pk=cast.carl.pk).update(language="de")
    client = client_of(cast.carl)
    page = words(client.get(f"/people/{person.pk}/").content.decode())
    assert "Ada Lovelace · London, Vereinigtes Königreich · Kolkata (UTC+5:30)" in page
    assert "Land: Vereinigtes Königreich" in page
    form = client.get(f"/people/{person.pk}/edit/").content.decode()
    assert '<option value="GB" selected>Vereinigtes Königreich</option>' in form
    # Kept under the name it came by, and offered once.
    assert '<option value="Asia/Kolkata" selected>Kolkata (UTC+5:30)</option>' in form
    assert '"Asia/Calcutta"' not in form
    assert re.search(
        r'<optgroup label="Afrika">.*?<option value="Africa/Cairo">Kairo \(UTC\+[23]\)</option>', form
    )
    client.post(
        f"/people/{person.pk}/edit/keep/", {"country": "EG", "time_zone": "Africa/Cairo", "source": "told_us"}
    )
    person.refresh_from_db()
    assert (person.country, person.time_zone) == ("EG", "Africa/Cairo")
    fact = person.facts.filter(attribute="country", retracted_at=None).latest("observed_at")
    dialog = client.get(f"/facts/{fact.pk}/").content.decode()
    assert "<s>Ägypten</s>" in dialog
    assert '<option value="FR">Frankreich</option>' in dialog


def test_places_that_nobody_knows_stay_as_they_are() -> None:
    with override("es"):
        assert [country_words(code) for code in ("de", "QQ", "EU", "")] == ["Alemania", "QQ", "EU", ""]
        assert ("QQ", "QQ") in country_choices("QQ")
        assert [zone_words(zone) for zone in ("America/New_York", "Mars/Base", "UTC", "")][1:] == [
            "Mars/Base", "UTC", "",
        ]  # fmt: skip
        assert re.fullmatch(r"Nueva York \(UTC−[45]\)", zone_words("America/New_York"))
        assert ("Mars/Base", "Mars/Base") in zone_choices("Mars/Base")
        assert all(chosen not in dict(zone_choices(chosen)) for chosen in ("Europe/Kyiv", "US/Eastern"))


def test_what_corrects_a_language_says_both_by_name(cast: Cast) -> None:
    person = contact_create(name="Ada Lovelace", language="en", user=cast.carl)
    fact = person.facts.get(attribute="language")
    client = client_of(cast.carl)
    dialog = client.get(f"/facts/{fact.pk}/").content.decode()
    assert "<s>English</s>" in dialog
    assert '<option value="fr">French</option>' in dialog
    client.post(f"/facts/{fact.pk}/wrong/", {"value": "fr", "source": "told_us"})
    page = words(client.get(f"/people/{person.pk}/").content.decode())
    assert "Language: French" in page
    assert "Corrects “English”" in page


def test_an_address_is_blocked_and_let_in_again_from_the_persons_page(cast: Cast) -> None:
    person = ada(cast)
    identity = Identity.objects.get(contact=person)
    client = client_of(cast.carl)
    at = f"/people/{person.pk}/link/{identity.pk}"
    assert f'hx-post="{at}/block/"' in client.get(f"/people/{person.pk}/").content.decode()
    assert client.post(f"{at}/block/").status_code == 200
    identity.refresh_from_db()
    assert (identity.blocked_at is not None, identity.blocked_by) == (True, cast.carl)
    page = client.get(f"/people/{person.pk}/").content.decode()
    assert f'hx-post="{at}/unblock/"' in page
    assert client.post(f"{at}/unblock/").status_code == 200
    identity.refresh_from_db()
    assert identity.blocked_at is None
    stranger = contact_create(name="Bob", user=cast.carl)
    assert client.post(f"/people/{stranger.pk}/link/{identity.pk}/block/").status_code == 404
    assert client_of(cast.pia).post(f"{at}/block/").status_code == 403


def test_how_dense_lists_are_is_kept_with_the_user(cast: Cast) -> None:
    client = client_of(cast.pia)
    assert "data-density" not in client.get("/people/").content.decode().split("<head>")[0]
    assert client.post("/density/", {"density": "compact"}).status_code == 204
    for path in ("/people/", "/inbox/", "/today/"):
        assert 'data-density="compact"' in client.get(path).content.decode().split("<head>")[0]
    assert "data-density" not in client_of(cast.carl).get("/people/").content.decode().split("<head>")[0]
    client.post("/density/", {"density": "<script>"})
    assert "data-density" not in client.get("/people/").content.decode().split("<head>")[0]


def test_facts_of_other_kinds_stay_as_they_are(cast: Cast) -> None:
    person = contact_create(name="Ada Lovelace", user=cast.carl)
    fact_record(contact_id=person.pk, attribute="note", value="en", source="told_us", user=cast.carl)
    assert "Englisch" not in client_of(cast.carl).get(f"/people/{person.pk}/").content.decode()


def test_of_two_who_are_merged_the_richer_record_is_proposed_to_stay(cast: Cast) -> None:
    rich = ada(cast)
    for n in range(2):
        cast.mail(cast.everyone, sender="ada@x.example", name="Ada Lovelace", text=f"zebra {n}")
    poor = contact_create(name="Ada L.", user=cast.carl)
    client = client_of(cast.carl)

    def stays(first: Contact, second: Contact, query: str = "") -> str:
        page = client.get(f"/people/{first.pk}/merge/{second.pk}/{query}").content.decode()
        found = re.search(r'hx-post="/people/([0-9a-f-]+)/merge/([0-9a-f-]+)/do/"', page)
        assert found
        assert {found[1], found[2]} == {str(first.pk), str(second.pk)}
        # The way to swap them is there, and it holds.
        assert f'href="/people/{found[2]}/merge/{found[1]}/?as=given"' in page
        return found[1]

    assert stays(poor, rich) == stays(rich, poor) == str(rich.pk)
    assert stays(poor, rich, "?as=given") == str(poor.pk)
    # Alike in all, the older one.
    one, two = (contact_create(name="Bob", user=cast.carl) for _ in range(2))
    assert stays(one, two) == stays(two, one) == str(one.pk)


def test_an_import_that_broke_off_says_what_came_and_takes_it_back(cast: Cast, tmp_path: Path) -> None:
    early = Import.objects.create(
        kind="csv", source="people.csv", state="failed", error="Line 4 is none.", started_by=cast.carl
    )
    client = client_of(cast.carl)
    nothing = words(client.get(reverse("import_one", args=[early.pk])).content.decode())
    assert "Line 4 is none." in nothing
    assert "Before that" not in nothing
    assert "Take it back" not in nothing
    rows = "".join(f"Person {n},person{n}@example.org\n" for n in range(250))
    (tmp_path / "broken.csv").write_text(f'Name,Email\n{rows}"{"x" * 2_000_000}",big@example.org\n')
    with pytest.raises(ImportRefused):
        import_run("csv", tmp_path / "broken.csv", user=cast.carl)
    path = reverse("import_one", args=[Import.objects.latest("created_at").pk])
    page = words(client.get(path).content.decode())
    assert "Before that, 200 people came in." in page
    assert "Take it back" in page
    client.post(path + "undo/")
    assert not Contact.objects.filter(name__startswith="Person ").exists()
    assert "Taken back" in words(client.get(path).content.decode())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Stphn Miller", "We would write “Hello,”: the first name has no vowels, so letters may be missing."),
        ("Ada Miller", "We would write “Hello Ada,”: it is their first name, as far as we know."),
        ("Sales Team", "We would write “Hello,”: it looks like a desk, not like a person."),
    ],
)
def test_a_persons_page_says_how_they_are_greeted_and_why_and_lets_one_correct_it(
    cast: Cast, name: str, said: str
) -> None:
    person = contact_create(source="import", name=name)
    page = reverse("person", args=[person.pk])
    client = client_of(cast.carl)
    html = client.get(page).content.decode()
    assert said in words(html)
    assert f'hx-get="{reverse("person_edit", args=[person.pk])}"' in html.partition('id="greeting"')[2][:600]
    kept = client.post(reverse("person_edit_keep", args=[person.pk]), {"preferred_name": "Steve"})
    assert kept.status_code < 300
    shown = words(client.get(page).content.decode())
    assert "We would write “Hello Steve,”: they want to be called so." in shown
    assert "Write down how they want to be called" not in shown
