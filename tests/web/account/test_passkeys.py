"""Passkeys, authenticator apps and recovery codes in Chromium, with the browser's own virtual authenticator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import hotp_value
from django.core import mail
from django.core.cache import cache
from playwright.sync_api import expect

from kith.core import company
from kith.teams.models import User
from tests.support.browser import Screen
from tests.web.people import PASSWORD, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=20_000)


@pytest.fixture
def ada(live_server: Any) -> User:
    cache.clear()
    company.set_value("name", "Bicycles Ltd")
    user = person("Ada")
    user.preferences = {"toured": True}
    user.save()
    return user


@pytest.fixture
def visitor(chromium: Any, live_server: Any) -> Iterator[Screen]:
    """A browser in which nobody is signed in. A passkey needs a name, so the server is asked by one."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(20_000)
    made = Screen(page, live_server.url.replace("127.0.0.1", "localhost"))
    page.on("pageerror", lambda error: made.complaints.append(f"script: {error}"))
    page.on(
        "console",
        lambda said: (
            made.complaints.append(said.text)
            if said.type == "error" and "/live/" not in said.location["url"]
            else None
        ),
    )
    yield made
    context.close()


class Key:
    """A virtual authenticator that lives in the browser: a phone's or a stick's."""

    def __init__(self, it: Screen, *, kind: str = "internal") -> None:
        self.session = it.page.context.new_cdp_session(it.page)
        self.session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": kind,
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": options})[
            "authenticatorId"
        ]

    def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.session.send(
            "WebAuthn.getCredentials", {"authenticatorId": self.id}
        )["credentials"]
        return found

    def verified(self, yes: bool) -> None:
        self.session.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": yes})


def sign_in(it: Screen, user: User, password: str = PASSWORD) -> None:
    it.go("/accounts/login/")
    it.page.get_by_label("Email").fill(user.email)
    it.page.get_by_label("Password").fill(password)
    it.page.get_by_role("button", name="Sign in", exact=True).click()


def confirm(it: Screen) -> None:
    """Who changes a way to sign in says their password again."""
    it.page.wait_for_url("**/reauthenticate/**")
    it.page.get_by_label("Password").fill(PASSWORD)
    it.page.get_by_role("button", name="Confirm").click()


def add_key(it: Screen, name: str, *, passwordless: bool) -> None:
    it.go("/settings/security/")
    it.page.get_by_role("link", name="Passkeys and security keys: Manage").click()
    it.page.get_by_role("link", name="Add a key").click()
    if "reauthenticate" in it.page.url:
        confirm(it)
    it.page.get_by_label("Name").fill(name)
    it.page.get_by_label("Passwordless").set_checked(passwordless)
    it.page.get_by_role("button", name="Add").click()


def sign_out(it: Screen) -> None:
    it.page.context.clear_cookies()


def test_a_passkey_is_added_signs_in_and_is_removed(visitor: Screen, ada: User) -> None:
    it, key = visitor, Key(visitor)
    sign_in(it, ada)
    add_key(it, "Telephone", passwordless=True)
    it.page.wait_for_url("**/recovery-codes/**")  # shown once the first second factor stands
    (made,) = key.credentials()
    assert made["rpId"] == "localhost"
    assert made["isResidentCredential"]
    assert Authenticator.objects.filter(user=ada, type="webauthn").count() == 1

    sign_out(it)
    it.go("/accounts/login/")
    it.page.get_by_role("button", name="Sign in with a passkey").click()
    it.page.wait_for_url("**/inbox/**")
    assert key.credentials()[0]["signCount"] > made["signCount"]

    # The password alone no longer opens: the key is asked for after it.
    sign_out(it)
    sign_in(it, ada)
    it.page.wait_for_url("**/2fa/authenticate/**")
    it.go("/inbox/")
    it.page.wait_for_url("**/2fa/authenticate/**")
    it.page.get_by_role("button", name="Use my key").click()
    it.page.wait_for_url("**/inbox/**")

    it.go("/accounts/2fa/webauthn/")
    it.page.get_by_role("link", name="Remove Telephone").click()
    it.page.wait_for_url("**/reauthenticate/**")  # by the key itself
    it.page.get_by_role("link", name="Use a security key").click()
    it.page.get_by_role("button", name="Use a security key").click()
    it.page.wait_for_url("**/remove/")
    it.page.get_by_role("button", name="Remove").click()
    expect(it.page.get_by_text("No key was added.")).to_be_visible()
    assert not Authenticator.objects.filter(user=ada, type="webauthn").exists()

    sign_out(it)
    it.go("/accounts/login/")
    it.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(it.page.get_by_role("alert")).to_be_visible()
    assert "/login" in it.page.url
    sign_in(it, ada)
    it.page.wait_for_url("**/inbox/**")
    assert it.complaints == []
    told = [str(sent.subject) for sent in mail.outbox]
    assert len(told) >= 2, "a key that is added or removed is told by mail"


def test_a_passkey_without_finger_or_face_does_not_sign_in(visitor: Screen, ada: User) -> None:
    it, key = visitor, Key(visitor)
    sign_in(it, ada)
    add_key(it, "Telephone", passwordless=True)
    it.page.wait_for_url("**/recovery-codes/**")
    key.verified(False)
    sign_out(it)
    it.go("/accounts/login/")
    it.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(it.page.get_by_role("alert")).to_be_visible()
    it.go("/inbox/")
    it.page.wait_for_url("**/accounts/login/**")


def enter(it: Screen) -> None:
    it.page.get_by_role("button", name="Sign in", exact=True).click()


def code_of(secret: str, *, ahead: int = 0) -> str:
    return f"{hotp_value(secret, int(time.time()) // 30 + ahead):06d}"


def test_an_app_is_added_asked_for_and_a_recovery_code_works_once(visitor: Screen, ada: User) -> None:
    it = visitor
    sign_in(it, ada)
    it.go("/settings/security/")
    it.page.get_by_role("link", name="Authenticator app: Manage").click()
    it.page.get_by_role("link", name="Activate").click()
    confirm(it)
    secret = it.page.locator("#authenticator_secret").input_value()
    assert it.page.get_by_role("img").evaluate("image => image.naturalWidth") > 0
    it.page.get_by_label("Authenticator code").fill("000000")
    it.page.get_by_role("button", name="Activate").click()
    expect(it.page.get_by_role("alert")).to_be_visible()
    it.page.get_by_label("Authenticator code").fill(code_of(secret))
    it.page.get_by_role("button", name="Activate").click()
    it.page.wait_for_url("**/recovery-codes/**")
    codes = it.page.locator("li.code, ul.font-mono li").all_inner_texts()
    assert len(codes) == 10
    kept = Authenticator.objects.get(user=ada, type="recovery_codes").data
    assert codes[0] not in str(kept)
    with it.page.expect_download() as saved:
        it.page.get_by_role("link", name="Download codes").click()
    assert codes[3] in saved.value.path().read_text()

    sign_out(it)
    sign_in(it, ada)
    it.page.wait_for_url("**/2fa/authenticate/**")
    assert it.axe() == []
    it.page.get_by_label("Code").fill(codes[0])
    enter(it)
    it.page.wait_for_url("**/inbox/**")

    sign_out(it)
    sign_in(it, ada)
    it.page.wait_for_url("**/2fa/authenticate/**")
    it.page.get_by_label("Code").fill(codes[0])
    enter(it)
    expect(it.page.get_by_role("alert")).to_be_visible()
    it.page.get_by_label("Code").fill(code_of(secret, ahead=1))
    enter(it)
    it.page.wait_for_url("**/inbox/**")
    assert it.complaints == []


def test_a_code_is_not_guessed(visitor: Screen, ada: User) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    it, secret = visitor, generate_totp_secret()
    TOTP.activate(ada, secret)
    sign_in(it, ada)
    it.page.wait_for_url("**/2fa/authenticate/**")
    for guess in range(12):
        it.page.get_by_label("Code").fill(f"{guess:06d}")
        enter(it)
        expect(it.page.get_by_role("alert")).to_be_visible()
    it.page.get_by_label("Code").fill(code_of(secret))
    enter(it)
    expect(it.page.get_by_role("alert")).to_be_visible()
    assert "/2fa/authenticate/" in it.page.url
