"""Single sign-on against an issuer on loopback: who comes in, as whom, and which lies are found out."""

from __future__ import annotations

import dataclasses
import html
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings as now_settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from kith.config.sign_in import single_sign_on
from kith.core import company
from kith.core.models import AuditEvent
from kith.teams.models import Invitation, User
from kith.teams.services import invitation_create, team_create
from tests.support.oidc import CLIENT, SECRET, Issuer, running
from tests.web.people import PASSWORD, assert_clean, person

pytestmark = pytest.mark.django_db
BEGIN, BACK = "/accounts/oidc/company/login/", "/accounts/oidc/company/login/callback/"
GOES_ON = re.compile(r'http-equiv="refresh" content="0;url=([^"]+)"')


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running() as it:
        it.person = {"sub": "s-1", "email": "ada@us.example", "email_verified": True, "name": "Ada Lovelace"}
        yield it


def configure(settings: Any, issuer: Issuer, **rest: Any) -> None:
    settings.KITH = dataclasses.replace(
        now_settings.KITH,
        **{
            "oidc_url": issuer.url,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SECRET,
            "oidc_name": "Our company",
            "allowed_networks": ("127.0.0.0/8",),
            **rest,
        },
    )
    settings.SOCIALACCOUNT_PROVIDERS = single_sign_on(settings.KITH)


@pytest.fixture(autouse=True)
def house(settings: Any, issuer: Issuer) -> None:
    cache.clear()
    company.set_value("name", "Bicycles Ltd")
    configure(settings, issuer)


def go(client: Client, *, target: str = "", begin: str = BEGIN) -> Any:
    """Press the button, agree at the issuer, come back; the last answer."""
    answer = client.post(begin, {"next": target} if target else {})
    assert answer.status_code == 200, answer
    found = GOES_ON.search(assert_clean(answer))
    assert found is not None, answer.content.decode()
    address = html.unescape(found[1])
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    agreed = httpx.post(address.split("?")[0], data=asked)
    assert agreed.status_code == 303, agreed.text
    back = urlsplit(agreed.headers["location"])
    return client.get(f"{back.path}?{back.query}")


def who(client: Client) -> User | None:
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key) if key else None


def test_a_colleague_comes_in_and_is_known_from_then_on(issuer: Issuer) -> None:
    ada, client = person("Ada"), Client()
    assert "Our company" in assert_clean(client.get("/accounts/login/"))
    assert go(client).headers["location"] == "/"
    assert who(client) == ada
    assert issuer.problems == []
    assert SocialAccount.objects.get().uid == "s-1"
    assert not SocialToken.objects.exists()
    issuer.person["email"] = "ada.married@us.example"  # the subject counts, not the address
    again = Client()
    go(again)
    assert who(again) == ada
    assert User.objects.count() == 1


def test_a_stranger_is_refused_in_words(issuer: Issuer) -> None:
    client = Client()
    answer = go(client)
    assert answer.status_code == 403
    assert "ada@us.example" in assert_clean(answer)
    assert who(client) is None
    assert not User.objects.exists()
    assert AuditEvent.objects.get(action="sign_in_refused").details["email"] == "ada@us.example"


def test_an_address_that_the_issuer_has_not_confirmed_is_nobody(issuer: Issuer, settings: Any) -> None:
    ada = person("Ada")
    for told in (False, None, "false"):
        issuer.person["email_verified"] = told
        client = Client()
        assert go(client).status_code == 403, told
        assert who(client) is None
    configure(settings, issuer, oidc_trust_email=True)
    client = Client()
    go(client)
    assert who(client) == ada


def test_who_has_left_stays_outside(issuer: Issuer, settings: Any) -> None:
    ada = person("Ada")
    go(Client())
    ada.is_active = False
    ada.save()
    client = Client()
    go(client)
    assert who(client) is None
    SocialAccount.objects.all().delete()
    configure(settings, issuer, oidc_new_people="everyone")
    assert go(client).status_code == 403
    assert who(client) is None


def test_an_invitation_is_taken_up_with_its_role_and_teams(issuer: Issuer) -> None:
    olga = person("Olga", "owner")
    team = team_create(name="Sales", members=[])
    invitation_create(
        email="Ada@us.example", role="manager", invited_by=olga, link="https://x/TOKEN", teams=[team]
    )
    client = Client()
    go(client)
    ada = who(client)
    assert ada is not None
    assert (ada.role, ada.name, list(ada.teams.all())) == ("manager", "Ada Lovelace", [team])
    assert not ada.has_usable_password()
    assert Invitation.objects.get().accepted_at is not None


@pytest.mark.parametrize(
    ("domains", "comes"), [("", True), ("us.example", True), ("x.org, US.example", True), ("x.org", False)]
)
def test_everyone_of_the_company_comes_in_with_the_role_of_the_settings(
    issuer: Issuer, settings: Any, domains: str, comes: bool
) -> None:
    person("Olga", "owner")
    configure(settings, issuer, oidc_new_people="everyone", oidc_role="viewer", oidc_domains=domains)
    client = Client()
    go(client)
    ada = who(client)
    assert (ada is not None) is comes
    if ada is not None:
        assert (ada.role, ada.email) == ("viewer", "ada@us.example")
        assert client.get("/settings/security/").status_code == 200
        # Without a password there is nothing to say again; adding an app leads nowhere that can't be passed.
        assert client.get(reverse("mfa_activate_totp"), follow=True).status_code == 200


def test_after_the_issuer_the_second_factor_is_still_asked_for(issuer: Issuer) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(person("Ada"), generate_totp_secret())
    client = Client()
    assert go(client).headers["location"].startswith("/accounts/2fa/authenticate/")
    assert who(client) is None


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_nobody_is_led_away_afterwards(issuer: Issuer, target: str) -> None:
    person("Ada")
    assert go(Client(), target=target).headers["location"] == "/"
    assert go(Client(), target="/people/").headers["location"] == "/people/"


def test_who_makes_a_link_does_not_choose_what_the_issuer_is_asked(issuer: Issuer) -> None:
    person("Ada")
    crafted = BEGIN + "?auth_params=redirect_uri%3Dhttps%3A%2F%2Fevil.example&scope=offline_access"
    go(Client(), begin=crafted)
    assert issuer.problems == []
    (asked,) = [a for a in issuer.asked if a == "POST /authorize"]
    assert asked
    assert Client().get(BEGIN).status_code == 200  # a link alone goes nowhere: it asks


def _other_key(it: Issuer, claims: dict[str, Any]) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"})


def _no_signature(it: Issuer, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, None, algorithm="none", headers={"kid": "k1"})


def _public_key_as_secret(it: Issuer, claims: dict[str, Any]) -> str:
    public = it.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return jwt.encode(claims, public, algorithm="HS256", headers={"kid": "k1"})


def _without_kid(it: Issuer, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, it.key, algorithm="RS256")


LIES = {
    "signed by another key": {"sign": _other_key},
    "not signed": {"sign": _no_signature},
    "signed with the public key": {"sign": _public_key_as_secret},
    "no key named": {"sign": _without_kid},
    "no token": {"sign": lambda it, claims: ""},
    "no sense": {"sign": lambda it, claims: "a.b.c"},
    "for another client": {"claims": lambda c: {**c, "aud": "another"}},
    "of another issuer": {"claims": lambda c: {**c, "iss": "https://accounts.example"}},
    "too old": {"claims": lambda c: {**c, "exp": int(time.time()) - 600}},
    "about nobody": {"claims": lambda c: {k: v for k, v in c.items() if k != "sub"}},
    "userinfo about somebody else": {"userinfo": lambda c: {**c, "sub": "s-2"}},
    "discovery of another issuer": {"discovery": lambda c: {**c, "issuer": "https://accounts.example"}},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found_out(issuer: Issuer, lie: str) -> None:
    person("Ada")
    for name, value in LIES[lie].items():
        setattr(issuer, name, value)
    client = Client()
    if "discovery" in LIES[lie]:
        answer = client.post(BEGIN)
        assert answer.status_code == 502
    else:
        answer = go(client)
        assert answer.status_code == 401, answer.content.decode()
    assert "s-1" not in assert_clean(answer)
    assert who(client) is None
    assert not SocialAccount.objects.exists()


def test_a_callback_without_its_own_state_is_refused(issuer: Issuer) -> None:
    person("Ada")
    client = Client()
    for query in ("", "?code=x", "?code=x&state=forged", "?error=access_denied", "?state=%00&code=%00"):
        assert client.get(BACK + query).status_code in (302, 401)
    assert who(client) is None
    victim, thief = Client(), Client()
    victim.post(BEGIN)
    thief.post(BEGIN)
    state = next(iter(thief.session["socialaccount_states"]))
    assert victim.get(BACK, {"code": "x", "state": state}).status_code == 401


@pytest.mark.parametrize("part", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
@pytest.mark.parametrize("where", ["http://169.254.169.254/latest", "http://[::1]:9/", "http://10.0.0.1/"])
def test_the_issuer_can_not_send_us_into_our_own_network(issuer: Issuer, part: str, where: str) -> None:
    person("Ada")
    issuer.discovery = lambda c: {**c, part: where}
    client = Client()
    assert go(client).status_code == 401
    assert who(client) is None


def test_an_issuer_inside_our_network_is_reached_only_when_it_is_named(issuer: Issuer, settings: Any) -> None:
    configure(settings, issuer, allowed_networks=())
    assert Client().post(BEGIN).status_code == 502
    assert issuer.asked == []


def test_an_issuer_that_is_ill_makes_no_error_of_ours(issuer: Issuer, settings: Any) -> None:
    for answer in ({}, {"issuer": issuer.url}):
        issuer.discovery = lambda c, answer=answer: answer
        assert Client(raise_request_exception=False).post(BEGIN).status_code in (401, 502)
    configure(settings, issuer, oidc_url="http://127.0.0.1:1")
    assert_clean(answer := Client().post(BEGIN))
    assert answer.status_code == 502
    assert Client().post("/accounts/oidc/other/login/").status_code == 404


def test_a_signed_in_colleague_is_joined_to_nobody_else(issuer: Issuer) -> None:
    """Connecting another's account of the issuer joins it to oneself, never oneself to them."""
    person("Ada")
    bob, client = person("Bob"), Client()
    client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    go(client, begin=BEGIN + "?process=connect")
    assert not SocialAccount.objects.exists(), "not before the password was said again"
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    go(client, begin=BEGIN + "?process=connect")
    assert who(client) == bob
    assert SocialAccount.objects.get().user == bob


def test_the_screens_offer_it_where_one_looks_for_it(issuer: Issuer) -> None:
    from kith.teams.services.tokens import token_hash

    olga = person("Olga", "owner")
    invitation_create(email="ada@us.example", role="agent", invited_by=olga, link="TOKEN")
    Invitation.objects.update(token_hash=token_hash("known"))
    assert "Go on with Our company" in assert_clean(Client().get("/invitation/known/"))
    client = Client()
    go(client)
    assert "Our company" in assert_clean(client.get("/settings/security/"))
    page = assert_clean(client.get(reverse("socialaccount_connections")))
    assert "ada@us.example" in page or "Ada Lovelace" in page
    joined = SocialAccount.objects.get()
    client.post(reverse("socialaccount_connections"), {"account": joined.pk})
    assert SocialAccount.objects.exists(), "without a password it is the only way in"
    other = Client()
    other.force_login(olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "?process=connect" in assert_clean(other.get(reverse("socialaccount_connections")))
    assert other.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    issuer.person = {"sub": "s-7", "email": "olga@us.example", "email_verified": True}
    go(other, begin=BEGIN + "?process=connect")
    assert SocialAccount.objects.get(uid="s-7").user == olga


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_whole_way_in_chromium(issuer: Issuer, live_server: Any) -> None:
    """Our policy lets no form lead elsewhere: that the way to the issuer works is seen only in a browser."""
    from playwright.sync_api import expect

    from tests.support.browser import Screen, browser

    person("Ada")
    with browser() as running:
        context = running.new_context()
        page = context.new_page()
        page.set_default_timeout(20_000)
        it = Screen(page, live_server.url)
        page.on("console", lambda said: it.complaints.append(said.text) if said.type == "error" else None)
        it.go("/people/")
        assert it.axe() == []
        page.get_by_role("button", name="Our company").click()
        page.wait_for_url(f"{issuer.url}/authorize**")
        page.get_by_role("button", name="Sign in as ada@us.example").click()
        page.wait_for_url("**/people/**")
        expect(page.get_by_role("heading", name="People")).to_be_visible()
        assert [said for said in it.complaints if "policy" in said.lower()] == []
        issuer.person = {"sub": "s-9", "email": "eve@us.example", "email_verified": True}
        context.clear_cookies()
        it.go("/accounts/login/")
        page.get_by_role("button", name="Our company").click()
        page.get_by_role("button", name="Sign in as eve@us.example").click()
        expect(page.get_by_text("Nobody with the address eve@us.example works here.")).to_be_visible()
        assert it.axe() == []
        context.close()
