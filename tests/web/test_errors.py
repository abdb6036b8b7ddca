"""What stands in place of a page that is not there, not theirs or broken: in words, with a way on, in each language."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kith.core import company
from kith.teams.models import User
from tests.support.browser import LOOKS, screen
from tests.support.cast import Cast, client_of


@pytest.fixture
def named(db: object) -> None:
    company.set_value("name", "Bicycles Ltd")


@pytest.mark.usefixtures("named")
def test_what_is_not_there_or_not_theirs_is_said_with_a_way_on(cast: Cast) -> None:
    gone = client_of(cast.carl).get("/people/0198c0de-0000-7000-8000-000000000000/")
    assert gone.status_code == 404
    assert "There is nothing here" in gone.content.decode()
    assert 'href="/search/"' in gone.content.decode()
    theirs = client_of(cast.carl).get("/settings/audit/")
    assert theirs.status_code == 403
    assert "Somebody who administers Kith" in theirs.content.decode()
    assert "default-src 'none'" in theirs.headers["Content-Security-Policy"]


@pytest.mark.usefixtures("named")
def test_a_stranger_learns_nothing_from_it() -> None:
    page = Client().get("/nothing/of/this/name/", headers={"accept-language": "de"}).content.decode()
    assert "Hier ist nichts" in page
    assert "Bicycles" not in page
    assert 'href="/search/"' not in page


@pytest.mark.usefixtures("named")
def test_programs_and_scripts_get_no_page(cast: Cast) -> None:
    client = client_of(cast.carl)
    problem = client.get("/api/v1/nothing")
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert problem.json()["status"] == 404
    part = client.get("/nothing/", headers={"hx-request": "true"})
    assert (part.status_code, part.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")
    picture = client.get("/nothing.png", headers={"sec-fetch-dest": "image"})
    assert picture.content == b"There is nothing here\n"


@pytest.mark.usefixtures("named")
def test_a_form_without_its_token_says_what_to_do(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.carl, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post("/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "copy what you typed" in answer.content.decode()


@pytest.mark.usefixtures("named")
def test_who_asks_too_often_is_told_to_wait() -> None:
    client = Client()
    answers = [client.post("/accounts/password/reset/", {"email": "carl@us.example"}) for _ in range(25)]
    assert answers[-1].status_code == 429
    assert "Try again later" in answers[-1].content.decode()


@pytest.mark.usefixtures("named")
def test_what_broke_is_said_without_the_database(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from kith.web.people import views

    def breaks(*rest: Any, **more: Any) -> Any:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(views, "view_of", breaks)
    client = client_of(cast.carl)
    client.raise_request_exception = False
    answer = client.get("/people/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    assert "<time" in answer.content.decode()
    assert "secret of the server" not in answer.content.decode()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_it_is_clean_for_axe_and_leads_back(chromium: Any, live_server: Any, mara: User) -> None:
    for theme, width, height in LOOKS[0::3]:
        with screen(chromium, live_server.url, mara, width=width, height=height, theme=theme) as it:
            it.go("/nothing/of/this/name/")
            assert it.axe() == []
            assert it.page.evaluate("document.documentElement.scrollWidth") <= width
            it.page.get_by_role("link", name="To the start").click()
            it.page.wait_for_url("**/inbox/**")
            assert [one for one in it.complaints if "404" not in one] == []
