"""Sign-in as an attacker sees it: sessions that were planted, addresses that are tried, links that are guessed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.core.internal import ratelimit
from django.contrib.auth import hashers
from django.core import mail, signing
from django.core.cache import cache
from django.test import Client, TestCase
from django.urls import reverse

from kith.core import company
from kith.teams import guesses
from kith.teams.errors import TeamsError
from kith.teams.models import ApiToken, Invitation, PushSubscription, User
from kith.teams.services import (
    api_token_create,
    invitation_accept,
    invitation_by_token,
    invitation_create,
    sessions_of,
    user_change_role,
    user_leave,
)
from kith.teams.types import API_PERMISSIONS
from tests.web.people import PASSWORD, assert_clean, person

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def house() -> None:
    cache.clear()
    company.set_value("name", "Bicycles Ltd")


def _planted() -> Client:
    """A browser into which somebody has put a session of theirs."""
    client = Client()
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies["sessionid"] = session.session_key
    return client


def test_a_planted_session_is_not_the_one_that_is_signed_in() -> None:
    person("Ada")
    client = _planted()
    before = client.cookies["sessionid"].value
    client.post(LOGIN, {"login": "ada@us.example", "password": PASSWORD})
    assert "_auth_user_id" in client.session
    assert client.cookies["sessionid"].value != before
    thief = Client()
    thief.cookies["sessionid"] = before
    assert thief.get("/settings/profile/").status_code == 302


def test_neither_is_it_after_an_invitation() -> None:
    olga = person("Olga", "owner")
    invitation_create(
        email="new@us.example", role="agent", invited_by=olga, link="https://x/invitation/TOKEN/"
    )
    # The mail leaves when the transaction commits; the token is in nothing but that mail.
    from kith.teams.models import Invitation
    from kith.teams.services.tokens import token_hash

    Invitation.objects.update(token_hash=token_hash("known"))
    client = _planted()
    before = client.cookies["sessionid"].value
    assert client.post("/invitation/known/", {"name": "New", "password": PASSWORD}).status_code == 302
    assert client.cookies["sessionid"].value != before


def test_signing_out_ends_the_session_on_the_server() -> None:
    person("Ada")
    client = Client()
    client.post(LOGIN, {"login": "ada@us.example", "password": PASSWORD})
    key = client.cookies["sessionid"].value
    client.post("/accounts/logout/")
    thief = Client()
    thief.cookies["sessionid"] = key
    assert thief.get("/settings/profile/").status_code == 302


def _without_what_differs(answer: Any, email: str) -> str:
    text = re.sub(r'(csrfmiddlewaretoken" value|csrf-token" content)="[^"]*"', "", answer.content.decode())
    return text.replace(email, "ADDRESS")


@pytest.mark.parametrize(
    ("path", "field"),
    [(LOGIN, "login"), ("/accounts/password/reset/", "email"), ("/accounts/signup/", "email")],
)
def test_who_works_here_is_told_to_nobody(path: str, field: str) -> None:
    person("Ada")
    gone = person("Gone")
    gone.is_active = False
    gone.save()
    said = set()
    for email in ("ada@us.example", "gone@us.example", "nobody@us.example"):
        cache.clear()
        given = {field: email, "password": "wrong", "password1": PASSWORD, "password2": PASSWORD}
        answer = Client().post(path, given)
        said.add((answer.status_code, answer.headers.get("Location"), _without_what_differs(answer, email)))
    assert len(said) == 1
    assert all("nobody@" not in address for sent in mail.outbox for address in sent.to)


def test_an_unknown_address_takes_as_long_as_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in passwords hashed, which is what takes long; a clock would measure the machine's neighbours."""
    person("Ada")
    hashed: list[str] = []
    real = hashers.MD5PasswordHasher.encode

    def encode(self: Any, password: str, salt: str, *rest: Any) -> str:
        hashed.append(password)
        return real(self, password, salt, *rest)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", encode)
    counts = []
    for email in ("ada@us.example", "nobody@us.example"):
        hashed.clear()
        Client().post(LOGIN, {"login": email, "password": "a wrong guess"})
        counts.append(hashed.count("a wrong guess"))
    assert counts[0] == counts[1] == 1


def _guess(client: Client, password: str = "guess", login: str = "ada@us.example") -> Any:
    return client.post(LOGIN, {"login": login, "password": password})


def _from(number: int) -> Client:
    return Client(REMOTE_ADDR=f"198.51.{100 + number // 200}.{number % 200}")


def _tried(answer: Any) -> bool:
    """Whether a password was looked at, right or wrong."""
    return answer.status_code == 302 or "Too many failed" not in answer.content.decode()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock of the limits on by so many seconds."""
    passed = [0.0]
    real = ratelimit.time.time
    monkeypatch.setattr(
        ratelimit,
        "time",
        SimpleNamespace(time=lambda: real() + passed[0], monotonic=time.monotonic, sleep=time.sleep),
    )

    def move(seconds: float) -> None:
        passed[0] += seconds

    return move


def test_who_is_locked_out_reads_for_how_long_and_what_to_do() -> None:
    person("Ada")
    here = _from(1)
    for _ in range(5):
        assert _tried(_guess(here))
    text = assert_clean(_guess(here, PASSWORD))
    assert "Too many failed" in text
    assert "minutes" in text
    unknown = _from(2)
    for _ in range(6):
        answer = _guess(unknown, login="nobody@us.example")
    assert "Too many failed" in assert_clean(answer), "the lock tells nothing about who works here"


def test_an_attacker_elsewhere_locks_out_nobody_at_their_own_desk() -> None:
    person("Ada")
    desk = _from(1)
    assert _guess(desk, PASSWORD).status_code == 302
    desk.post("/accounts/logout/")
    for number in range(13):
        for _ in range(6):
            _guess(_from(10 + number))
    assert not _tried(_guess(_from(99), PASSWORD)), "the whole world is locked out by now"
    assert not _tried(_guess(_from(99), PASSWORD, login=" ADA@us.example"))
    assert _guess(desk, PASSWORD).status_code == 302
    desk.post("/accounts/logout/")
    away = Client(REMOTE_ADDR="203.0.113.5")
    away.cookies = desk.cookies
    assert _guess(away, PASSWORD).status_code == 302, "it is the browser that is known, wherever it is"


def test_an_attacker_in_the_same_office_does_not_either() -> None:
    person("Ada")
    desk = _from(1)
    _guess(desk, PASSWORD)
    desk.post("/accounts/logout/")
    for number in range(30):
        _guess(_from(1), login=f"x{number % 4}@us.example")
    assert not _tried(_guess(_from(1), PASSWORD))
    assert _guess(desk, PASSWORD).status_code == 302


def test_passwords_are_not_guessed_by_one_nor_by_many(later: Callable[[float], None]) -> None:
    """Tries that were looked at within an hour and a bit: from one machine, and from many."""
    person("Ada")
    one = 0
    for _ in range(13):
        one += sum(_tried(_guess(_from(1))) for _ in range(6))
        later(300)
    assert one == 20
    cache.clear()
    many = sum(_tried(_guess(_from(number))) for number in range(64))
    assert many == 60
    later(3601)
    assert _tried(_guess(_from(500)))


def test_a_prefix_of_ipv6_is_one_place_and_ipv4_in_ipv6_is_as_many_as_it_says() -> None:
    person("Ada")
    tries = [_tried(_guess(Client(REMOTE_ADDR=f"2001:db8:7:7::{number:x}"))) for number in range(8)]
    assert tries == [True] * 5 + [False] * 3
    assert _tried(_guess(Client(REMOTE_ADDR="2001:db8:7:8::1")))
    mapped = [_tried(_guess(Client(REMOTE_ADDR=f"::ffff:198.51.100.{number}"))) for number in range(8)]
    assert all(mapped), "eight machines, none of which locks out another"
    again = [_tried(_guess(Client(REMOTE_ADDR=f"{way}198.51.100.1"))) for way in ("", "::ffff:") * 4]
    assert again == [True] * 4 + [False] * 4
    assert _tried(_guess(Client(REMOTE_ADDR="fe80::1%eth0"))), "a zone is no trouble"


def test_a_known_browser_is_no_way_around(later: Callable[[float], None]) -> None:
    """Five wrong passwords lock it for five minutes; its cookie serves for no other login, and can't be made up."""
    person("Ada")
    person("Bo")
    desk = _from(1)
    _guess(desk, PASSWORD)
    desk.post("/accounts/logout/")
    for _ in range(5):
        assert _tried(_guess(desk))
    assert not _tried(_guess(desk, PASSWORD))
    later(301)
    assert _guess(desk, PASSWORD).status_code == 302
    desk.post("/accounts/logout/")
    (name,) = (name for name in desk.cookies if name.startswith("kith_known_"))
    assert desk.cookies[name]["httponly"]
    value = desk.cookies[name].value
    thief = _from(3)
    bo = guesses._cookie("bo@us.example")
    for made_up in (value, signing.dumps("x")):
        cache.clear()
        thief.cookies[bo] = made_up
        assert [_tried(_guess(thief, login="bo@us.example")) for _ in range(8)] == [True] * 5 + [False] * 3
        fresh = _from(4)
        fresh.cookies[bo] = made_up
        for number in range(5, 17):
            for _ in range(5):
                _guess(_from(number), login="bo@us.example")
        assert not _tried(_guess(fresh, PASSWORD, login="bo@us.example")), made_up


def test_a_new_password_by_mail_opens_the_door_again() -> None:
    person("Ada")
    for number in range(61):
        _guess(_from(number))
    new = _from(150)
    assert not _tried(_guess(new, PASSWORD))
    new.post("/accounts/password/reset/", {"email": "ada@us.example"})
    (link,) = re.findall(r"https?://\S+/password/reset/key/\S+", str(mail.outbox[-1].body))
    form = new.get(urlsplit(link).path, follow=True)
    new.post(form.redirect_chain[-1][0], {"password1": "a new long word", "password2": "a new long word"})
    assert _guess(_from(151), "a new long word").status_code == 302


def test_who_confirms_a_password_is_counted_for_themselves() -> None:
    person("Ada")
    desk = _from(1)
    _guess(desk, PASSWORD)
    answers = [desk.post("/accounts/reauthenticate/", {"password": "guess"}) for _ in range(7)]
    assert [_tried(answer) for answer in answers] == [True] * 5 + [False] * 2
    other = _from(2)
    assert _guess(other, PASSWORD).status_code == 302


def test_resets_are_not_sent_without_end() -> None:
    person("Ada")
    for number in range(12):
        Client(REMOTE_ADDR=f"198.51.100.{number}").post(
            "/accounts/password/reset/", {"email": "ada@us.example"}
        )
    assert 0 < len(mail.outbox) <= 5


def test_links_are_not_guessed() -> None:
    """256 random bits; and no answer tells a wrong one from a used one."""
    olga = person("Olga", "owner")
    invitation_create(email="new@us.example", role="agent", invited_by=olga, link="TOKEN")
    texts = {
        _without_what_differs(Client().get(f"/invitation/{guess}/"), "ADDRESS")
        for guess in ("a" * 43, "b", "%00")
    }
    assert len(texts) == 1


def test_at_the_moment_that_somebody_leaves_nothing_of_theirs_opens_any_more() -> None:
    olga, ada = person("Olga", "owner"), person("Ada")
    _, raw = api_token_create(user=ada, name="x", permissions=API_PERMISSIONS)
    here = Client()
    here.post(LOGIN, {"login": ada.email, "password": PASSWORD})
    PushSubscription.objects.create(user=ada, endpoint="https://push.example/1", keys={})
    Client().post("/accounts/password/reset/", {"email": ada.email})
    found = re.search(r"(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    bearer = Client(headers={"authorization": f"Bearer {raw}"})
    assert here.get("/settings/profile/").status_code == 200
    assert bearer.get("/api/v1/people").status_code == 200
    user_leave(user=ada, actor=olga)
    assert here.get("/settings/profile/").status_code == 302
    assert here.get("/inbox/").headers["location"].startswith(LOGIN)
    assert bearer.get("/api/v1/people").status_code == 401
    assert not PushSubscription.objects.filter(user=ada).exists()
    assert sessions_of(ada) == []
    assert ApiToken.objects.get(user=ada).revoked_at is not None
    Client().post(LOGIN, {"login": ada.email, "password": PASSWORD})
    assert sessions_of(ada) == []
    late = Client()
    page = late.get(found[1], follow=True)
    late.post(
        page.request["PATH_INFO"], {"password1": "another long phrase", "password2": "another long phrase"}
    )
    Client().post(LOGIN, {"login": ada.email, "password": "another long phrase"})
    assert sessions_of(ada) == [], "a reset that was asked for before lets nobody back in"


def test_a_session_that_was_ended_elsewhere_is_over_there() -> None:
    ada = person("Ada")
    here, there = Client(headers={"user-agent": "Here"}), Client(headers={"user-agent": "There"})
    for client in (here, there):
        client.post(LOGIN, {"login": ada.email, "password": PASSWORD})
    (other,) = [s for s in sessions_of(ada) if s.browser == "There"]
    assert "There" in assert_clean(here.get("/settings/security/"))
    assert here.post(reverse("account:session_end", args=[other.id])).status_code == 302
    assert there.get("/settings/profile/").status_code == 302
    assert here.get("/settings/profile/").status_code == 200


def test_who_may_not_invite_any_more_keeps_no_way_in_for_later() -> None:
    """An administrator who is about to go invites an address of their own."""
    boss = person("Bo", role="owner")
    for name, role in (("Ada", "admin"), ("Cy", "admin"), ("Di", "owner")):
        one = person(name, role=role)
        for given in ("agent", role):
            invitation_create(
                email=f"{name}-{given}@elsewhere.example",
                role=given,
                invited_by=one,
                link="https://us.example/TOKEN",
            )
    with TestCase.captureOnCommitCallbacks(execute=True):
        invitation_create(
            email="ada@elsewhere.example",
            role="agent",
            invited_by=User.objects.get(email="ada@us.example"),
            link="https://us.example/join/TOKEN",
        )
    raws = re.findall(r"/join/(\S+)", str(mail.outbox[-1].body))
    assert invitation_by_token(raws[0])
    user_leave(user=User.objects.get(email="ada@us.example"), actor=boss)
    assert invitation_by_token(raws[0]) is None
    with pytest.raises(TeamsError):
        invitation_accept(raw=raws[0], name="Me again", password="a new long word")
    user_change_role(user=User.objects.get(email="cy@us.example"), role="manager", actor=boss)
    user_change_role(user=User.objects.get(email="di@us.example"), role="admin", actor=boss)
    left = Invitation.objects.filter(withdrawn_at=None).values_list("email", flat=True)
    assert set(left) == {"di-agent@elsewhere.example"}, "what Di may still give"
