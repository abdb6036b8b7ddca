"""Notifications: told to those who may see, in their language, and pushed to a closed browser."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.utils.translation import gettext

from kith.core.models import CompanyValue
from kith.teams.errors import TeamsError
from kith.teams.models import Notification, PushSubscription
from kith.teams.notifications import (
    notifications_page,
    notifications_read,
    notify,
    settings_of,
    settings_set,
    unread_count,
)
from kith.teams.push import push_notifications, push_public_key, push_subscribe
from tests.support.cast import Cast, cast_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return cast_make()


def tell(cast: Cast, **rest: Any) -> list[Any]:
    values: dict[str, Any] = {"kind": "mention", "title": lambda: "Ada asks", "scope_id": cast.sales_scope.id}
    return notify([cast.carl.id, cast.ines.id], **{**values, **rest})


def test_only_those_who_see_the_scope_are_told(cast: Cast) -> None:
    assert tell(cast) == [cast.carl.id]
    assert [unread_count(cast.viewer(u)) for u in (cast.carl, cast.ines)] == [1, 0]


def test_who_leaves_the_team_no_longer_reads_it(cast: Cast) -> None:
    tell(cast)
    cast.sales.members.remove(cast.carl)
    assert unread_count(cast.viewer(cast.carl)) == 0
    assert notifications_page(cast.viewer(cast.carl)).rows == ()


def test_read_and_pages(cast: Cast) -> None:
    for n in range(5):
        tell(cast, title=lambda n=n: f"n{n}")
    viewer = cast.viewer(cast.carl)
    first = notifications_page(viewer, limit=3)
    second = notifications_page(viewer, cursor=first.next_cursor, limit=3)
    assert [r.title for r in (*first.rows, *second.rows)] == ["n4", "n3", "n2", "n1", "n0"]
    assert second.next_cursor is None
    assert notifications_read(cast.viewer(cast.ines), [first.rows[0].id]) == 0
    assert notifications_read(viewer, [first.rows[0].id]) == 1
    assert unread_count(viewer) == 4
    assert notifications_read(viewer) == 4


def test_the_same_subject_is_renewed_not_doubled(cast: Cast) -> None:
    for title in ("one", "two"):
        tell(cast, title=lambda title=title: title, subject_id=cast.sales.id)
    assert [r.title for r in notifications_page(cast.viewer(cast.carl)).rows] == ["two"]


def test_wishes_are_kept(cast: Cast) -> None:
    settings_set(cast.carl, {"mention": {"screen": False}, "nonsense": {"screen": True}})
    cast.carl.refresh_from_db()
    assert settings_of(cast.carl)["mention"] == {"screen": False, "push": True}
    assert set(settings_of(cast.carl)) == set(settings_of(cast.ines))
    assert tell(cast) == []


def test_each_in_their_language(cast: Cast) -> None:
    cast.carl.language = "de"
    cast.carl.save()
    seen: list[str] = []

    def title() -> str:
        from django.utils.translation import get_language

        seen.append(str(get_language()))
        return gettext("x")

    tell(cast, title=title)
    assert seen == ["de"]


class Browser:
    """A push service on loopback and the keys of one browser."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.status = 201
        self.got: list[tuple[dict[str, str], bytes]] = []
        browser = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                browser.got.append((dict(self.headers), body))
                self.send_response(browser.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/push/1"

    @property
    def keys(self) -> dict[str, str]:
        raw = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {
            "p256dh": base64.urlsafe_b64encode(raw).decode().rstrip("="),
            "auth": base64.urlsafe_b64encode(self.auth).decode().rstrip("="),
        }

    def read(self, body: bytes) -> dict[str, Any]:
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        found: dict[str, Any] = json.loads(plain)
        return found


@pytest.fixture
def browser() -> Iterator[Browser]:
    found = Browser()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def loopback_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    monkeypatch.setattr(
        settings, "KITH", dataclasses.replace(settings.KITH, allowed_networks=("127.0.0.0/8",))
    )


def test_a_closed_browser_hears_of_it_once(cast: Cast, browser: Browser, loopback_allowed: None) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys, device="Firefox")
    tell(cast, body="the brakes", path="/inbox/1/")
    ids = list(Notification.objects.values_list("id", flat=True))
    assert push_notifications(ids) == 1
    assert push_notifications(ids) == 0
    ((headers, body),) = browser.got
    assert b"brakes" not in body
    assert browser.read(body)["body"] == "the brakes"
    assert f"k={push_public_key()}" in headers["Authorization"]


def test_a_gone_subscription_is_removed(cast: Cast, browser: Browser, loopback_allowed: None) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    browser.status = 410
    tell(cast)
    assert push_notifications(list(Notification.objects.values_list("id", flat=True))) == 0
    assert PushSubscription.objects.count() == 0


def test_addresses_of_our_own_network_are_refused(cast: Cast, browser: Browser) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    tell(cast)
    assert push_notifications(list(Notification.objects.values_list("id", flat=True))) == 0
    assert browser.got == []
    assert PushSubscription.objects.get().failed_at is not None


def test_what_is_no_longer_visible_is_not_pushed(
    cast: Cast, browser: Browser, loopback_allowed: None
) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    tell(cast)
    cast.sales.members.remove(cast.carl)
    assert push_notifications(list(Notification.objects.values_list("id", flat=True))) == 0
    assert browser.got == []


def test_the_private_key_is_encrypted_and_stays(cast: Cast) -> None:
    key = push_public_key()
    assert key == push_public_key()
    assert "PRIVATE" not in base64.b64decode(CompanyValue.objects.get(key="vapid").value).decode("latin1")


def test_nonsense_is_no_subscription(cast: Cast, browser: Browser) -> None:
    for endpoint, keys in (
        ("ftp://x", browser.keys),
        (browser.endpoint, {"p256dh": "AA", "auth": "AA"}),
        (browser.endpoint, {}),
    ):
        with pytest.raises(TeamsError):
            push_subscribe(user=cast.carl, endpoint=endpoint, keys=keys)
