"""The contact policy on screen: told in words, changed as a file, with what is wrong and what was before."""

from __future__ import annotations

import pytest
from django.test import Client

from kith.core.models import AuditEvent
from kith.trust.gather import company_rules
from kith.trust.models import ContactPolicy
from tests.support.cast import Cast, cast_make, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: object) -> Cast:
    return cast_make()


@pytest.fixture
def olga(cast: Cast) -> Client:
    return client_of(cast.olga)


def test_it_tells_the_policy_that_ships_in_words(olga: Client) -> None:
    page = olga.get("/settings/gate/").content.decode()
    assert "Offers of all divisions together: 1 a week, 3 a month, 18 a year." in page
    assert "At least 72 hours between two." in page
    assert "From 21:00 to 08:00" in page
    assert "# The contact policy that ships with Kith" in page


def test_an_administrator_changes_it_and_finds_what_was_before(olga: Client, cast: Cast) -> None:
    answer = olga.post("/settings/gate/", {"text": "[pace]\r\nweek = 2\r\n"})
    assert answer.status_code == 302
    assert company_rules().pace.caps[2].limit == 2
    assert "2 a week" in olga.get("/settings/gate/").content.decode()
    assert AuditEvent.objects.get(action="contact_policy_changed").actor_id == cast.olga.pk
    olga.post("/settings/gate/", {"text": ""})
    assert company_rules().pace.caps[2].limit == 1
    first = ContactPolicy.objects.order_by("created_at")[0]
    assert "week = 2" in olga.get(f"/settings/gate/?version={first.pk}").content.decode()


def test_a_wrong_one_changes_nothing_and_says_where(olga: Client) -> None:
    answer = olga.post("/settings/gate/", {"text": "[pace]\nweak = 2\n"})
    assert answer.status_code == 422
    assert "[pace] knows no weak" in answer.content.decode()
    assert not ContactPolicy.objects.exists()


def test_only_administrators_change_it_and_only_managers_see_it(cast: Cast) -> None:
    assert client_of(cast.carl).get("/settings/gate/").status_code == 403
    cast.carl.role = "manager"
    cast.carl.save()
    carl = client_of(cast.carl)
    assert "<textarea" not in carl.get("/settings/gate/").content.decode()
    carl.post("/settings/gate/", {"text": "[pace]\nweek = 9\n"})
    assert not ContactPolicy.objects.exists()
