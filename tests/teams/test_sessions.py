"""A session ends at once: it is read at each request, with its user."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from kith.base.clock import now
from kith.teams.middleware import Authentication
from kith.teams.models import Membership, Scope, Team, User
from kith.teams.selectors import viewer_of
from kith.teams.sessions import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[False, True], ids=["alone", "with its user beside it"])
def signed_in(client: Client, request: pytest.FixtureRequest) -> Client:
    user = User.objects.create_user("ada@x.example", "a long password", name="Ada")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    if request.param:
        UserSession.objects.create(
            user=user, session_key=client.session.session_key, ip="127.0.0.1", user_agent="x"
        )
    assert client.get("/people/").status_code == 200
    return client


def test_it_ends_when_it_is_deleted_or_runs_out(signed_in: Client) -> None:
    Session.objects.update(expire_date=now() - timedelta(seconds=1))
    assert signed_in.get("/people/").status_code == 302
    Session.objects.update(expire_date=now() + timedelta(days=1))
    assert signed_in.get("/people/").status_code == 302  # the browser was told to forget it
    Session.objects.all().delete()
    assert signed_in.get("/people/").status_code == 302


@pytest.mark.parametrize("change", ["password", "leaves", "gone"])
def test_it_ends_when_the_user_changes(signed_in: Client, change: str) -> None:
    user = User.objects.get()
    if change == "password":
        user.set_password("another long password")
        user.save()
    elif change == "leaves":
        User.objects.update(is_active=False)
    else:
        user.delete()
    assert signed_in.get("/people/").status_code == 302


@pytest.fixture
def signed(db: None) -> tuple[Client, User]:
    """Somebody who signed in as people do: what is known of the session stands beside it."""
    user = User.objects.create_user("ann@house.example", "a long password 1", name="Ann", role="agent")
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    UserSession.objects.create(
        user=user, session_key=client.session.session_key, ip="127.0.0.1", user_agent="x"
    )
    return client, user


def asked_of(client: Client, path: str = "/notifications/bell/") -> tuple[int, list[str]]:
    with CaptureQueriesContext(connection) as caught:
        answer = client.get(path)
    told = [q["sql"] for q in caught.captured_queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    return answer.status_code, told


def test_the_session_and_its_user_are_read_by_one_statement(signed: tuple[Client, User]) -> None:
    client, user = signed
    status, told = asked_of(client)
    assert status == 200
    assert sum("django_session" in text for text in told) == 1
    assert sum("password" in text for text in told) == 1  # of the user, once, by the same statement
    team = Team.objects.create(name="Sales")
    scope = Scope.objects.create(kind="teams", name="Sales")
    scope.teams.add(team)
    assert scope.pk not in seen_by(client)
    Membership.objects.create(user=user, team=team)
    assert scope.pk in seen_by(client)  # at the next request


def seen_by(client: Client) -> tuple[uuid.UUID, ...]:
    request = RequestFactory().get("/")
    request.session = SessionStore(client.session.session_key)
    Authentication(lambda _request: HttpResponse()).process_request(request)
    found: Any = request.user
    assert found.viewer_read == viewer_of(User.objects.get(pk=found.pk))
    scopes: tuple[uuid.UUID, ...] = found.viewer_read.scope_ids
    return scopes


def test_what_stands_beside_a_session_signs_nobody_in(signed: tuple[Client, User]) -> None:
    client, user = signed
    other = User.objects.create_user("bob@house.example", "a long password 2", name="Bob", role="owner")
    row = UserSession.objects.get(session_key=client.session.session_key)
    row.user = other
    row.save()
    assert (
        client.get("/notifications/bell/").wsgi_request.user.pk == user.pk
    )  # whose session it is, says the session
    anonymous = SessionStore()
    anonymous["x"] = "y"
    anonymous.save()
    UserSession.objects.create(user=other, session_key=anonymous.session_key, ip="127.0.0.1", user_agent="x")
    stranger = Client()
    stranger.cookies["sessionid"] = anonymous.session_key
    assert not stranger.get("/login/").wsgi_request.user.is_authenticated
