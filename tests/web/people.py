"""Signing in and walking pages, for the tests of screens. Import inside tests or after Django is set up."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from kith.core import company
from kith.teams.models import User
from kith.teams.services import user_create

PASSWORD = "a long pass phrase"
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|\son\w+=|\sstyle=|<style|(?:href|src|action)=.?javascript:",
    re.IGNORECASE,
)


def person(name: str, role: str = "agent", **rest: Any) -> User:
    return user_create(email=f"{name.lower()}@us.example", name=name, role=role, password=PASSWORD, **rest)


def signed_in(name: str, role: str = "agent", **rest: Any) -> tuple[Client, User]:
    """A browser in which a new user of this name and role is signed in, in a company that is set up."""
    if not company.is_set_up():
        company.set_value("name", "Bicycles Ltd")
    user = User.objects.filter(email=f"{name.lower()}@us.example").first() or person(name, role, **rest)
    client = Client(headers={"user-agent": "Test browser"})
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client, user


def assert_clean(answer: Any) -> str:
    """The page's text; fails when the page needs more than the policy `script-src 'self'; style-src 'self'` allows."""
    text = answer.content.decode()
    assert not (found := INLINE.search(text)), text[max(0, found.start() - 80) : found.end() + 80]
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    return text
