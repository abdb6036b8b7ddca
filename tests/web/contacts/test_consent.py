"""Consent, objection and wishes that people tell to colleagues: with proof, in the audit log, and to be taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils.timezone import localdate

from kith.base.clock import frozen, now
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_for_identity
from kith.core.models import AuditEvent
from kith.trust.links import link_identity, link_token
from kith.trust.models import Consent, Objection, Preference
from kith.trust.services import topic_save
from kith.trust.wishes import wishes_of
from tests.support.browser import LOOKS, screen
from tests.support.cast import Cast, cast_make, client_of

pytestmark = pytest.mark.django_db
ADA = "ada@outside.example"


def ada_make(cast: Cast) -> Contact:
    cast.mail(cast.everyone)
    topic_save(name="News")
    return contact_for_identity(identity=Identity.objects.get(external_id=ADA))


@pytest.fixture
def ada(cast: Cast) -> Contact:
    return ada_make(cast)


def _keep(client: Any, contact: Contact, **values: str) -> Any:
    identity = Identity.objects.get(external_id=ADA)
    given = {
        "form": "consent", "does": "given", "purpose": "news", "place": f"{identity.pk}:email", "way": "talk",
        "words": "Yes, mail me what is new", "on": localdate(now()).isoformat(), "identity": str(identity.pk),
    } | values  # fmt: skip
    return client.post(f"/people/{contact.pk}/consent/keep/", given)


def test_a_yes_is_kept_with_its_words_day_and_way(cast: Cast, ada: Contact) -> None:
    client = client_of(cast.carl)
    assert _keep(client, ada).status_code == 302
    row = Consent.objects.get()
    assert (row.status, row.purpose, row.channel, row.recorded_by) == ("given", "news", "email", cast.carl)
    assert row.proof["text"] == "Yes, mail me what is new"
    assert row.proof["way"] == "talk"
    assert row.proof["said_on"] == localdate(now()).isoformat()
    assert wishes_of(row.identity).topics[0].chosen
    assert AuditEvent.objects.filter(action="consent_recorded", actor_id=cast.carl.pk).exists()
    page = client.get(f"/people/{ada.pk}/consent/").content.decode()
    assert "“Yes, mail me what is new”" in page
    assert "Carl, in a talk" in page


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"words": ""}, "without them it is no proof"),
        ({"on": ""}, "Say on which day they agreed"),
        ({"on": "2999-01-01"}, "This day is still to come"),
        ({"way": "guess"}, "Say how they said it"),
        ({"purpose": "all"}, "a yes to everything is no consent"),
        ({"purpose": ""}, "no choice that can be kept"),
    ],
)
def test_a_yes_without_proof_is_refused_and_keeps_what_was_typed(
    cast: Cast, ada: Contact, values: dict[str, str], words: str
) -> None:
    answer = _keep(client_of(cast.carl), ada, **values)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    if "words" not in values:
        assert "Yes, mail me what is new" in answer.content.decode()
    assert not Consent.objects.exists()


def test_a_no_needs_no_proof_and_counts_at_once(cast: Cast, ada: Contact) -> None:
    _keep(client_of(cast.carl), ada, does="withdrawn", purpose="all", words="", on="")
    assert wishes_of(Identity.objects.get(external_id=ADA)).unsubscribed


def test_a_slip_is_taken_back_by_whoever_made_it_and_by_nobody_else(cast: Cast, ada: Contact) -> None:
    client = client_of(cast.carl)
    _keep(client, ada)
    first = Consent.objects.get()
    _keep(client, ada, does="withdrawn")
    row = Consent.objects.get(status="withdrawn")
    undo = f"/people/{ada.pk}/consent/{row.pk}/undo/"
    client_of(cast.ines).post(undo)
    assert Consent.objects.count() == 2
    with frozen(now() + timedelta(minutes=11)):
        client.post(undo)
    assert Consent.objects.count() == 2
    client.post(f"/people/{ada.pk}/consent/{first.pk}/undo/")  # no longer the newest
    assert Consent.objects.count() == 2
    client.post(undo)
    newest = Consent.objects.latest("given_at")
    assert (newest.status, newest.proof["text"]) == ("given", "Yes, mail me what is new")
    client.post(f"/people/{ada.pk}/consent/{newest.pk}/undo/")  # an undo has none
    assert Consent.objects.count() == 3
    assert AuditEvent.objects.filter(action="consent_taken_back").count() == 1


def test_a_first_yes_taken_back_leaves_neither_yes_nor_no(cast: Cast, ada: Contact) -> None:
    client = client_of(cast.carl)
    _keep(client, ada)
    client.post(f"/people/{ada.pk}/consent/{Consent.objects.get().pk}/undo/")
    wishes = wishes_of(Identity.objects.get(external_id=ADA))
    assert not wishes.topics[0].chosen
    assert not wishes.unsubscribed
    assert Consent.objects.latest("given_at").status == "lifted"


def test_objections_begin_at_once_and_end_in_words(cast: Cast, ada: Contact) -> None:
    client = client_of(cast.carl)
    _keep(client, ada, form="objection", words="")
    row = Objection.objects.get(ended_at=None)
    assert "Objects to offers" in client.get(f"/people/{ada.pk}/consent/").content.decode()
    assert _keep(client, ada, form="objection_end", objection=str(row.pk), words="").status_code == 422
    assert Objection.objects.filter(ended_at=None).exists()
    _keep(client, ada, form="objection_end", objection=str(row.pk))
    assert not Objection.objects.filter(ended_at=None).exists()
    assert AuditEvent.objects.filter(action="objection_ended").exists()


def test_how_often_and_a_pause(cast: Cast, ada: Contact) -> None:
    client = client_of(cast.carl)
    _keep(client, ada, form="wish", often="2", pause="90")
    kept = Preference.objects.get()
    assert kept.per_month == 2
    assert kept.paused_until is not None
    _keep(client, ada, form="wish", often="-", pause="0")
    assert Preference.objects.filter(per_month=2, paused_until=None).exists()
    _keep(client, ada, form="wish", often="", pause="")
    assert Preference.objects.filter(per_month=None).exists()


def test_viewers_read_and_nobody_writes_of_somebody_elses_address(cast: Cast, ada: Contact) -> None:
    viewer = client_of(cast.pia)
    page = viewer.get(f"/people/{ada.pk}/consent/")
    assert "Nothing was said yet" in page.content.decode()
    assert "Write it down" not in page.content.decode()
    assert _keep(viewer, ada).status_code == 403
    cast.mail(cast.everyone, sender="bob@outside.example", name="Bob")
    bob = contact_for_identity(identity=Identity.objects.get(external_id="bob@outside.example"))
    assert _keep(client_of(cast.carl), bob).status_code == 404
    assert _keep(client_of(cast.carl), ada, form="other").status_code == 404
    assert not Consent.objects.exists()


def test_links_of_one_person_are_ended_by_managers(cast: Cast, ada: Contact) -> None:
    cast.mail(cast.everyone, sender="bob@outside.example", name="Bob")
    old = link_token(Identity.objects.get(external_id=ADA).pk)
    bobs = link_token(Identity.objects.get(external_id="bob@outside.example").pk)
    path = f"/people/{ada.pk}/links/revoke/"
    assert client_of(cast.carl).post(path).status_code == 403
    assert link_identity(old) is not None
    assert client_of(cast.olga).post(path).status_code == 302
    assert link_identity(old) is None
    assert link_identity(bobs) is not None
    gone = Client().get(f"/my/{old}/")
    assert gone.status_code == 404
    assert "replaced by a newer one" in gone.content.decode()
    new = link_token(Identity.objects.get(external_id=ADA).pk)
    assert Client().get(f"/my/{new}/").status_code == 200
    assert AuditEvent.objects.filter(action="person_links_revoked", actor_id=cast.olga.pk).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_it_is_written_down_in_the_browser(
    chromium: Any, live_server: Any, look: tuple[str, int, int]
) -> None:
    import os

    cast = cast_make()
    with transaction.atomic():
        contact = ada_make(cast)
    theme, width, height = look
    with screen(chromium, live_server.url, cast.carl, theme=theme, width=width, height=height) as it:
        it.go(f"/people/{contact.pk}/consent/")
        found = it.axe()
        it.page.get_by_label("In which words").first.fill("Yes, mail me what is new")
        it.page.keyboard.press("Tab")
        it.page.keyboard.press("Enter")
        it.page.get_by_text("Written down").first.wait_for(timeout=20_000)
        found += it.axe()
        if folder := os.environ.get("PICTURES"):
            it.page.screenshot(path=f"{folder}/consent-{theme}-{width}.png", full_page=True)
        assert it.page.evaluate("document.documentElement.scrollWidth") <= width
        it.page.get_by_role("button", name="Undo").click()
        it.page.get_by_text("taken back: what stood before counts").wait_for(timeout=20_000)
        assert found == []
        assert it.complaints == []
