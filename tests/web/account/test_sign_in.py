"""Sign-in: who gets in, how often one may try, and where one lands."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret, hotp_value
from django.contrib.messages import get_messages
from django.core import mail
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse

from kith.core import company
from kith.teams.models import User
from tests.web.people import PASSWORD, assert_clean, person, signed_in

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
MOST_BY_LOGIN = 60  # an hour, over the whole world


@pytest.fixture(autouse=True)
def house() -> None:
    company.set_value("name", "Bicycles Ltd")
    cache.clear()


def attempt(client: Client, email: str, password: str = PASSWORD, **rest: str) -> int:
    return client.post(LOGIN, {"login": email, "password": password, **rest}).status_code


def test_a_password_lets_in_and_a_wrong_one_does_not() -> None:
    person("Ada")
    client = Client()
    assert attempt(client, "ada@us.example", "wrong") == 200
    assert "_auth_user_id" not in client.session
    assert attempt(client, "ADA@us.example") == 302
    assert "_auth_user_id" in client.session


def test_no_page_says_later_that_the_sign_in_worked() -> None:
    person("Ada")
    client = Client()
    answer = client.post(LOGIN, {"login": "ada@us.example", "password": PASSWORD})
    assert "_auth_user_id" in client.session
    assert list(get_messages(answer.wsgi_request)) == []


def test_an_unknown_address_sounds_like_a_wrong_password() -> None:
    person("Ada")
    said = [
        re.findall(
            r'text-error"[^>]*>([^<]+)',
            Client().post(LOGIN, {"login": e, "password": "wrong"}).content.decode(),
        )
        for e in ("ada@us.example", "nobody@us.example")
    ]
    assert said[0] == said[1] != []


def test_guessing_one_persons_password_is_stopped_from_many_addresses() -> None:
    person("Ada")
    for number in range(MOST_BY_LOGIN):
        attempt(Client(REMOTE_ADDR=f"198.51.100.{number}"), "ada@us.example", f"guess {number}")
    client = Client(REMOTE_ADDR="198.51.100.77")
    assert attempt(client, "ada@us.example", PASSWORD) == 200
    assert "_auth_user_id" not in client.session
    person("Bob")
    assert attempt(Client(REMOTE_ADDR="198.51.100.78"), "bob@us.example") == 302


def test_another_host_name_does_not_count_anew() -> None:
    person("Ada")
    for number in range(MOST_BY_LOGIN):
        host = "localhost" if number % 2 else "127.0.0.1"
        attempt(
            Client(REMOTE_ADDR=f"198.51.100.{number}", HTTP_HOST=host), "ada@us.example", f"guess {number}"
        )
    client = Client(REMOTE_ADDR="198.51.100.77", HTTP_HOST="[::1]")
    attempt(client, "ada@us.example")
    assert "_auth_user_id" not in client.session


def test_guessing_many_persons_from_one_address_is_stopped() -> None:
    person("Ada")
    for number in range(10):
        attempt(Client(), f"nobody{number}@us.example", "guess")
    client = Client()
    attempt(client, "ada@us.example")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "http:///evil.example",
        "\thttps://evil.example",
    ],
)
def test_nobody_is_led_away_after_signing_in(target: str) -> None:
    person("Ada")
    answer = Client().post(LOGIN, {"login": "ada@us.example", "password": PASSWORD, "next": target})
    assert answer.status_code == 302
    where = urlsplit(answer.headers["location"])
    assert (where.scheme, where.netloc) == ("", "")
    assert answer.headers["location"].startswith("/")
    assert not answer.headers["location"].startswith(("//", "/\\"))


def test_a_page_of_ours_is_where_one_lands() -> None:
    person("Ada")
    answer = Client().post(LOGIN, {"login": "ada@us.example", "password": PASSWORD, "next": "/people/"})
    assert answer.headers["location"] == "/people/"


def test_nobody_signs_up_by_themselves() -> None:
    answer = Client().get("/accounts/signup/")
    assert answer.status_code == 200
    assert "<input" not in answer.content.decode()
    given = {"email": "evil@us.example", "password1": PASSWORD, "password2": PASSWORD}
    Client().post("/accounts/signup/", given)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        "account_login",
        "account_signup",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key_done",
        "account_inactive",
        "socialaccount_login_cancelled",
        "socialaccount_login_error",
    ],
)
def test_pages_for_strangers_need_nothing_inline(name: str) -> None:
    answer = Client().get(reverse(name))
    assert answer.status_code in (200, 401)
    text = assert_clean(answer)
    assert re.search(r'<link rel="stylesheet" href="/static/dist/assets/style-[^"]+\.css">', text)
    if name == "account_login":
        assert re.search(r'src="/static/dist/assets/webauthn-[^"]+\.js"', text)


@pytest.mark.parametrize(
    "name",
    [
        "account_change_password",
        "account_reauthenticate",
        "account_logout",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "socialaccount_connections",
    ],
)
def test_pages_for_oneself_need_nothing_inline(name: str) -> None:
    client = Client()
    person("Ada")
    attempt(client, "ada@us.example")
    if name in ("mfa_activate_totp", "mfa_add_webauthn"):
        assert client.get(reverse(name)).headers["location"].startswith(reverse("account_reauthenticate"))
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    answer = client.get(reverse(name))
    assert answer.status_code == 200, answer.headers.get("location")
    text = assert_clean(answer)
    if name == "mfa_activate_totp":
        assert 'src="data:image/svg+xml' in text


def test_an_authenticator_app_is_asked_for() -> None:
    user = person("Ada")
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    client = Client()
    answer = client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    assert answer.headers["location"].endswith(reverse("mfa_authenticate"))
    assert "_auth_user_id" not in client.session
    assert client.get("/settings/profile/").status_code == 302
    assert_clean(client.get(reverse("mfa_authenticate")))
    assert client.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code == 200
    code = get_adapter() and f"{hotp_value(secret, int(time.time()) // 30):06d}"
    assert client.post(reverse("mfa_authenticate"), {"code": code}).status_code == 302
    assert "_auth_user_id" in client.session
    stored = str(Authenticator.objects.get(type="totp").data)
    assert secret not in stored


def test_a_reset_by_mail_ends_all_sessions() -> None:
    user = person("Ada")
    here = signed_in("Ada")[0]
    Client().post(reverse("account_reset_password"), {"email": user.email})
    (sent,) = mail.outbox
    found = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", str(sent.body))
    assert found is not None
    client = Client()
    page = client.get(found[1], follow=True)
    assert_clean(page)
    new = "another long phrase"
    client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    assert User.objects.get().check_password(new)
    assert here.get("/settings/profile/").status_code == 302
    again = Client().get(found[1], follow=True)
    assert "password1" not in again.content.decode()


def test_a_reset_for_a_stranger_says_the_same_and_tells_nobody_who_is_known() -> None:
    person("Ada")
    answers = [
        Client().post(reverse("account_reset_password"), {"email": e}).headers["location"]
        for e in ("ada@us.example", "nobody@us.example")
    ]
    assert answers[0] == answers[1]


def test_the_link_of_a_reset_leads_to_the_public_address_whatever_the_request_says() -> None:
    person("Ada")
    company.set_value("public_url", "https://kith.us.example")
    for host in ("evil.example", "203.0.113.9", "localhost"):
        Client(HTTP_HOST=host).post(reverse("account_reset_password"), {"email": "ada@us.example"})
    assert mail.outbox
    for sent in mail.outbox:
        assert "https://kith.us.example/accounts/password/reset/key/" in str(sent.body)
        assert "evil.example" not in str(sent.body)
        assert "203.0.113.9" not in str(sent.body)


def test_changing_the_password_ends_every_session_this_one_too() -> None:
    user = person("Ada")
    here, there = Client(), Client()
    for client in (here, there):
        assert attempt(client, user.email) == 302
    new = "another long phrase"
    given = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post(reverse("account_change_password"), given).status_code == 302
    for client in (here, there):
        assert client.get("/settings/profile/").status_code == 302


def test_without_single_sign_on_there_is_no_button_and_no_door() -> None:
    assert "oidc" not in Client().get(LOGIN).content.decode()
    assert Client().post("/accounts/oidc/company/login/").status_code in (302, 404)
    assert not User.objects.exists()


@override_settings(SECURE_PROXY_SSL_HEADER=None)
def test_a_passkey_challenge_is_new_each_time() -> None:
    challenges = {
        Client()
        .get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})
        .json()["request_options"]["publicKey"]["challenge"]
        for _ in range(3)
    }
    assert len(challenges) == 3
