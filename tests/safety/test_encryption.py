"""Encryption follows the public address, wherever that was set, and without a restart; what monitors ask tells nothing."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest
from django.conf import settings as now_settings
from django.test import Client

from kith.core import company
from kith.core.models import CompanyValue
from tests.web.people import PASSWORD, assert_clean, person, signed_in

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
HOST = "kith.us.example"


@pytest.fixture(autouse=True)
def house() -> None:
    company.set_value("name", "Bicycles Ltd")


def _sign_in(client: Client, **headers: Any) -> Any:
    page = client.get(LOGIN, **headers)
    token = client.cookies["csrftoken"].value
    given = {"login": "ada@us.example", "password": PASSWORD, "csrfmiddlewaretoken": token}
    return page, client.post(LOGIN, given, **headers)


def test_behind_the_public_address_cookies_and_browsers_keep_to_https() -> None:
    """Set in the browser a moment ago; the proxy is one that nobody named and that says nothing."""
    person("Ada")
    company.set_value("public_url", f"https://{HOST}")
    client = Client(enforce_csrf_checks=True)
    page, answer = _sign_in(client, HTTP_HOST=HOST, HTTP_ORIGIN=f"https://{HOST}")
    assert answer.status_code == 302, answer.content
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    for name in ("sessionid", "csrftoken"):
        cookie = answer.cookies[name] if name in answer.cookies else page.cookies[name]
        assert cookie["secure"], name
        assert cookie["samesite"] == "Lax"
    assert answer.cookies["sessionid"]["httponly"]
    assert 'role="note"' not in assert_clean(page)
    port = Client(enforce_csrf_checks=True)
    _, again = _sign_in(port, HTTP_HOST=f"{HOST}:443", HTTP_ORIGIN=f"https://{HOST}")
    assert again.status_code == 302


def test_the_setting_of_the_server_counts_the_same(settings: Any) -> None:
    person("Ada")
    settings.KITH = dataclasses.replace(now_settings.KITH, public_url=f"https://{HOST}")
    page, answer = _sign_in(Client(enforce_csrf_checks=True), HTTP_HOST=HOST, HTTP_ORIGIN=f"https://{HOST}")
    assert answer.status_code == 302
    assert "Strict-Transport-Security" in page.headers


def test_another_origin_is_not_ours_whatever_the_address() -> None:
    person("Ada")
    company.set_value("public_url", f"https://{HOST}")
    for origin in ("https://evil.example", f"http://{HOST}", f"https://{HOST}.evil.example", "null"):
        _, answer = _sign_in(Client(enforce_csrf_checks=True), HTTP_HOST=HOST, HTTP_ORIGIN=origin)
        assert answer.status_code == 403, origin


@pytest.mark.parametrize(
    ("public", "host"), [("", "localhost"), (f"https://{HOST}", "localhost:8000"), (f"https://{HOST}", f"{HOST}:8000"),
                         (f"http://{HOST}", HOST), ("", "192.168.1.5:8000")],
)  # fmt: skip
def test_elsewhere_nothing_pretends_to_be_encrypted(public: str, host: str) -> None:
    """A cookie for https only would lock those out who come by this machine's name, and HSTS would for a year."""
    person("Ada")
    if public:
        company.set_value("public_url", public)
    page, answer = _sign_in(Client(enforce_csrf_checks=True), HTTP_HOST=host, HTTP_ORIGIN=f"http://{host}")
    assert answer.status_code == 302
    assert "Strict-Transport-Security" not in page.headers
    assert not answer.cookies["sessionid"]["secure"]
    warned = 'role="note"' in assert_clean(page)
    assert warned is ("localhost" not in host)


def test_a_trusted_proxy_says_that_it_was_encrypted(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.KITH = dataclasses.replace(now_settings.KITH, trusted_proxies=("127.0.0.1/32",))
    person("Ada")
    told = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_HOST": "192.0.2.7", "HTTP_ORIGIN": "https://192.0.2.7"}
    _, answer = _sign_in(Client(enforce_csrf_checks=True), **told)
    assert answer.status_code == 302
    assert answer.cookies["sessionid"]["secure"]
    _, stranger = _sign_in(Client(enforce_csrf_checks=True, REMOTE_ADDR="198.51.100.1"), **told)
    assert stranger.status_code == 403  # what a stranger says of encryption is thrown away


def test_the_address_moves_from_the_browser_to_every_link() -> None:
    from django.core import mail

    client, _ = signed_in("Olga", "owner")
    text = assert_clean(client.get("/settings/company/"))
    assert "unsubscribe" in text
    for address, warns in ((f"http://{HOST}", True), (f"https://{HOST}", False)):
        given = {"name": "Bicycles Ltd", "public_url": address, "outgoing_name": ""}
        assert client.post("/settings/company/", given).status_code == 302
        assert ("not encrypted" in assert_clean(client.get("/settings/company/"))) is warns
    client.post(
        "/settings/people/invite/", {"email": "new@us.example", "role": "agent"}, HTTP_HOST="127.0.0.1"
    )
    assert company.public_url() == f"https://{HOST}"
    assert mail.outbox == [] or f"https://{HOST}/invitation/" in str(mail.outbox[0].body)


# --- monitors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "10.0.0.7:8000", "kith-web-7f9c.internal", "evil.example"])
def test_health_is_told_under_any_name_and_tells_nothing(host: str) -> None:
    for path in ("/health/", "/health/live/"):
        answer = Client(HTTP_HOST=host).get(path)
        assert (answer.status_code, answer.content) == (200, b"ok\n")
        assert "Set-Cookie" not in answer.headers
        assert not answer.cookies
        assert "no-store" in answer.headers["Cache-Control"]
        assert Client(HTTP_HOST=host).post(path).status_code in (403, 405)


def test_without_its_database_it_is_alive_and_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError, connection

    def away(*_: object, **__: object) -> None:
        raise OperationalError("connection to server at 10.1.2.3, user kith, password wrong")

    monkeypatch.setattr(connection, "cursor", away)
    assert Client(HTTP_HOST="web-1").get("/health/live/").status_code == 200
    answer = Client(HTTP_HOST="web-1").get("/health/")
    assert (answer.status_code, answer.content) == (503, b"not ready\n")


def test_pages_do_not_ask_for_the_public_address_each_time_and_a_new_one_answers_at_once(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    """`CompanyValue` is written as another process would write it: nobody here is told."""
    monkeypatch.setattr(type(now_settings.KITH), "test", False)
    company.set_value("public_url", f"https://{HOST}")
    with django_assert_num_queries(1):
        for _ in range(20):
            assert company.public_url_for(HOST) == f"https://{HOST}"
    for number in range(2 * company._MOST_HOSTS):
        company.public_url_for(f"{number}.example")
    assert len(company._recent) <= company._MOST_HOSTS, "names that are made up fill no memory"
    assert Client().get(LOGIN, HTTP_HOST=HOST).status_code == 200
    CompanyValue.objects.filter(key="public_url").update(value="https://new.example")
    assert Client().get(LOGIN, HTTP_HOST="new.example").status_code == 200
    later = time.monotonic() + company.RECENT
    monkeypatch.setattr(company.time, "monotonic", lambda: later)
    assert Client().get(LOGIN, HTTP_HOST=HOST).status_code == 400
    company.set_value("public_url", f"https://{HOST}")
    assert Client().get(LOGIN, HTTP_HOST=HOST).status_code == 200, "in the process that changed it: at once"
    company._recent.clear()
