"""One's own screens, and invitations."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from kith.teams.models import ApiToken, Invitation, PushSubscription, User
from kith.teams.services import sessions_of, token_authenticate
from kith.teams.wishes import settings_of
from tests.web.people import PASSWORD, assert_clean, person, signed_in

pytestmark = pytest.mark.django_db


def test_a_profile_is_changed_and_carries_no_more_than_its_form() -> None:
    client, user = signed_in("Ada")
    assert_clean(client.get("/settings/profile/"))
    given = {
        "name": "Ada L.",
        "language": "es",
        "time_zone": "Europe/Madrid",
        "theme": "dark",
        "signature": "A.",
    }
    answer = client.post("/settings/profile/", {**given, "role": "owner", "email": "x@y.example", "id": "1"})
    assert answer.status_code == 302
    user.refresh_from_db()
    assert {key: getattr(user, key) for key in given} == given
    assert (user.role, user.email) == ("agent", "ada@us.example")
    assert client.post("/settings/profile/", {**given, "time_zone": "Mars/Base"}).status_code == 422
    # A zone by another of its names is kept so, and stands in the list once, as chosen.
    assert client.post("/settings/profile/", {**given, "time_zone": "Asia/Kolkata"}).status_code == 302
    page = client.get("/settings/profile/").content.decode()
    assert '<option value="Asia/Kolkata" selected>Kolkata (UTC+5:30)</option>' in page
    assert '<optgroup label="Europa">' in page
    assert "Asia/Calcutta" not in page


def test_notifications_are_chosen_by_kind_and_way() -> None:
    client, user = signed_in("Ada")
    assert_clean(client.get("/settings/notifications/"))
    quiet = {"start": "20:00", "end": "07:00"}
    sent = {"screen": ["mention", "task"], "push": ["mention"], **quiet}
    assert client.post("/settings/notifications/", sent).status_code == 302
    user.refresh_from_db()
    wishes = settings_of(user)
    assert wishes["mention"] == {"screen": True, "browser": False, "push": True, "mail": False}
    assert wishes["task"] == {"screen": True, "browser": False, "push": False, "mail": False}
    assert wishes["assigned"] == {"screen": False, "browser": False, "push": False, "mail": False}


def test_one_only_removes_ones_own_devices_sessions_and_tokens() -> None:
    client, _ = signed_in("Ada")
    bob = person("Bob")
    device = PushSubscription.objects.create(user=bob, endpoint="https://push.example/1", keys={})
    client.post(reverse("account:device_remove", args=[device.pk]))
    assert PushSubscription.objects.exists()
    other = Client()
    other.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    (session,) = sessions_of(bob)
    assert client.post(reverse("account:session_end", args=[session.id])).status_code == 404
    token = ApiToken.objects.create(user=bob, name="x", token_hash="0" * 64, hint="x")
    assert client.post(reverse("account:token_revoke", args=[token.pk])).status_code == 404
    assert len(sessions_of(bob)) == 1


def test_sessions_are_shown_and_ended() -> None:
    ada = person("Ada")
    signed_in("Ada")
    here, there = Client(), Client(headers={"user-agent": "Phone <b>"})
    for client in (here, there):
        client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    text = assert_clean(here.get("/settings/security/"))
    assert "Phone &lt;b&gt;" in text
    assert "Sign out there" in text
    assert here.post(reverse("account:sessions_end")).status_code == 302
    assert there.get("/settings/profile/").status_code == 302
    assert here.get("/settings/profile/").status_code == 200


def test_a_token_is_shown_once_and_works() -> None:
    client, user = signed_in("Ada")
    text = assert_clean(
        client.post("/settings/tokens/", {"name": "Script", "permissions": ["people:read"], "days": "30"})
    )
    found = re.search(r"data-fresh-token>(kith_[\w-]+)<", text)
    assert found is not None
    token = token_authenticate(found[1])
    assert token is not None
    assert token.user == user
    assert found[1] not in client.get("/settings/tokens/").content.decode()
    assert (
        client.post("/settings/tokens/", {"name": "x", "permissions": ["root"], "days": "30"}).status_code
        == 422
    )
    client.post(reverse("account:token_revoke", args=[token.pk]))
    assert token_authenticate(found[1]) is None


@pytest.mark.django_db(transaction=True)
def test_an_invitation_goes_from_screen_to_mail_to_a_signed_in_user() -> None:
    client, _ = signed_in("Olga", "owner")
    assert_clean(client.get(reverse("settings:invite")))
    answer = client.post(reverse("settings:invite"), {"email": "new@us.example", "role": "agent"})
    assert answer.status_code == 302
    found = re.search(r"(/invitation/[\w-]+/)", str(mail.outbox[0].body))
    assert found is not None
    guest = Client()
    assert "new@us.example" in assert_clean(guest.get(found[1]))
    assert guest.post(found[1], {"name": "New", "password": "short"}).status_code == 422
    answer = guest.post(found[1], {"name": "New", "password": PASSWORD, "role": "owner"})
    assert answer.headers["location"] == "/"
    assert "_auth_user_id" in guest.session
    assert User.objects.get(email="new@us.example").role == "agent"
    assert Client().get(found[1]).status_code == 410
    assert Client().get("/invitation/guess/").status_code == 410
    assert Invitation.objects.get().accepted_at is not None


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "Firefox, Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605 Version/17.5 Safari/604.1",
            "Safari, iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            "Chrome, Android",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Chrome/126 Safari/537.36 Edg/126.0", "Edge, Mac"),
        ("curl/8.5", "curl/8.5"),
        ("", ""),
    ],
)
def test_a_browser_is_called_what_its_owner_calls_it(said: str, named: str) -> None:
    from kith.web.account.browsers import browser_named

    assert browser_named(said) == named
