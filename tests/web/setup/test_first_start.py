"""The first start: once, for who holds the code, and every later visit leads elsewhere."""

from __future__ import annotations

import pytest
from django.test import Client

from kith.core import company
from kith.teams.models import User
from kith.teams.services.company import setup_token_make
from tests.web.people import assert_clean

pytestmark = pytest.mark.django_db
GIVEN = {
    "company": "Bicycles Ltd",
    "name": "Olga",
    "email": "Olga@us.example",
    "password": "a long pass phrase",
    "public_url": "https://kith.us.example/",
    "language": "de",
}


def test_sign_in_leads_to_the_first_start_and_back_when_it_is_done() -> None:
    client = Client()
    assert client.get("/accounts/login/").headers["location"] == "/setup/"
    text = assert_clean(client.get("/setup/"))
    assert "unsubscribe" in text
    answer = client.post("/setup/", GIVEN)
    assert (answer.status_code, answer.headers["location"]) == (302, "/")
    owner = User.objects.get()
    assert (owner.role, owner.email, owner.language) == ("owner", "olga@us.example", "de")
    assert client.session["_auth_user_id"] == str(owner.pk)
    assert (company.name(), company.public_url()) == ("Bicycles Ltd", "https://kith.us.example")
    assert Client().get("/setup/").status_code == 404
    assert Client().post("/setup/", {**GIVEN, "email": "evil@us.example"}).status_code == 404
    assert User.objects.count() == 1


def test_beyond_loopback_a_code_is_needed() -> None:
    raw = setup_token_make()
    client = Client()
    for token in ("", "wrong", raw[:-1]):
        assert client.get("/setup/", {"token": token}).status_code == 403
        assert client.post("/setup/", {**GIVEN, "token": token}).status_code == 403
    assert not User.objects.exists()
    assert client.get("/setup/", {"token": raw}).status_code == 200
    assert client.post("/setup/", {**GIVEN, "token": raw}).status_code == 302
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "short"),
        ("password", "Olga@us.example"),
        ("email", "nobody"),
        ("company", " "),
        ("public_url", "javascript:alert(1)"),
        ("public_url", "https://a.example/path"),
        ("public_url", "https://user:pw@a.example"),
    ],
)
def test_a_wrong_value_makes_nothing(field: str, value: str) -> None:
    answer = Client().post("/setup/", {**GIVEN, field: value})
    assert answer.status_code == 422
    assert "text-error" in assert_clean(answer)
    assert not User.objects.exists()
    assert not company.is_set_up()


def test_a_form_can_not_choose_its_role() -> None:
    Client().post("/setup/", {**GIVEN, "role": "viewer", "is_active": ""})
    assert User.objects.get().role == "owner"
