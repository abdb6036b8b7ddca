"""A session ends at once: it is read at each request, with its user."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from kith.base.clock import now
from kith.teams.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client) -> Client:
    user = User.objects.create_user("ada@x.example", "a long password", name="Ada")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
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
