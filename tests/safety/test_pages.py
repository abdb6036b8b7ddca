"""Every page: its policy allows nothing inline and no eval, needs neither, is not framed by others, and asks for a token."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.safety.routes import address, patterns
from tests.support import house
from tests.support.cast import cast_make
from tests.web.people import INLINE, signed_in

pytestmark = pytest.mark.django_db

# No cookie opens these, so that nobody can be made to press them: they know their callers by a key or a token.
# The last two act for whoever holds a signed link, and for who may be a stranger on somebody else's page.
WITHOUT_CSRF_TOKEN = re.compile(r"^(api/v1/|chat/|form/|hooks?/|webhooks?/|my/<str:token>/|subscribe/)")
# A visitor's form stands on other people's pages; which ones, its policy says.
FRAMED_ELSEWHERE = {"chat-form"}


def _known() -> dict[str, Any]:
    """Ids of things that the owner sees."""
    from kith.contacts.services import contact_create

    cast = cast_make()
    recorded = cast.mail(cast.everyone, html="<p>x</p>")
    contact = contact_create(name="Ada")
    chat = house.account("chat", name="Chat", settings={"site": "https://shop.example"}, external_id="c")
    return {
        "conversation_id": recorded.conversation_id,
        "message_id": recorded.message_id,
        "contact_id": contact.pk,
        "account_id": chat.pk,
        "channel.pk": chat.pk,
        "channel_edit.pk": chat.pk,
        "channel_audience.pk": chat.pk,
        "team.pk": cast.sales.pk,
        "person.pk": cast.carl.pk,
        "leave.pk": cast.carl.pk,
    }


def _directives(policy: str) -> dict[str, str]:
    return {part.split()[0]: " ".join(part.split()[1:]) for part in policy.split(";") if part.strip()}


def test_every_page_has_the_policy_and_keeps_it() -> None:
    known = _known()
    client, _ = signed_in("Olga2", "owner")
    client.raise_request_exception = False
    pages, wrong = 0, []
    for route, name, pattern in patterns():
        if route.startswith("api/v1/") and name not in ("api-docs",):
            continue
        for who in (client, Client(raise_request_exception=False)):
            path = address(route, pattern, known)
            answer = who.get(path)
            policy = _directives(answer.headers.get("Content-Security-Policy", ""))
            if answer.status_code >= 500:
                wrong.append(f"{path}: {answer.status_code}")
            if not policy:
                wrong.append(f"{path}: no policy")
                continue
            scripts = policy.get("script-src", policy.get("default-src", "*"))
            if "unsafe" in scripts or "*" in scripts or "data:" in scripts:
                wrong.append(f"{path}: script-src {scripts}")
            if "unsafe" in str(policy) and "sandbox" not in policy:
                wrong.append(f"{path}: {policy}")
            if name not in FRAMED_ELSEWHERE and policy.get("frame-ancestors") not in (
                "'self'",
                "'none'",
                None,
            ):
                wrong.append(f"{path}: frame-ancestors {policy.get('frame-ancestors')}")
            if answer.headers.get("X-Content-Type-Options") != "nosniff":
                wrong.append(f"{path}: no nosniff")
            if (
                answer.streaming
                or "html" not in answer.headers.get("Content-Type", "")
                or "sandbox" in policy
            ):
                continue
            pages += 1
            if found := INLINE.search(answer.content.decode()):
                wrong.append(
                    f"{path}: {answer.content.decode()[max(0, found.start() - 60) : found.end() + 60]}"
                )
    assert wrong == []
    assert pages > 40


def test_nothing_is_changed_without_the_token_of_our_own_forms() -> None:
    """A POST from elsewhere, with the owner's cookies and without the token, is refused at every address."""
    known = _known()
    signed, _user = signed_in("Olga2", "owner")
    forger = Client(enforce_csrf_checks=True, raise_request_exception=False)
    forger.cookies = signed.cookies
    tried, open_to_all = 0, []
    for route, name, pattern in patterns():
        path = address(route, pattern, known)
        view: Any = pattern.callback
        if getattr(view, "csrf_exempt", False):
            open_to_all.append(route)
            continue
        answer = forger.post(path, {"x": "y"}, HTTP_ORIGIN="https://evil.example")
        assert answer.status_code == 403, (path, name, answer.status_code)
        tried += 1
    assert tried > 60
    assert [route for route in open_to_all if not WITHOUT_CSRF_TOKEN.match(route)] == []


def test_a_get_changes_nothing() -> None:
    """Links in mails are followed by scanners: a GET on an address that acts is refused or only shows."""
    from kith.teams.models import User

    known = _known()
    client, user = signed_in("Olga2", "owner")
    before = list(User.objects.order_by("pk").values("is_active", "role", "name", "theme"))
    for route, _name, pattern in patterns():
        if not route.startswith("api/v1/"):
            client.get(address(route, pattern, known))
    assert list(User.objects.order_by("pk").values("is_active", "role", "name", "theme")) == before
    assert client.get("/settings/profile/").status_code == 200
    assert user.is_active
