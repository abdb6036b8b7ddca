"""News pushed to a closed browser: sealed for it alone, in its time, and no longer than its session."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from procrastinate.contrib.django.models import ProcrastinateJob

from kith.base.clock import frozen, now
from kith.core import company
from kith.core.models import CompanyValue
from kith.teams.devices import device_name, push_subscribe
from kith.teams.errors import TeamsError
from kith.teams.letters import mail_notifications
from kith.teams.models import Notification, PushSubscription, User
from kith.teams.notifications import notifications_read, notify
from kith.teams.push import devices_of, push_after_quiet, push_notifications, push_public_key, push_retry
from kith.teams.services import sessions_end, user_leave
from kith.teams.wishes import Quiet, quiet_set, quiet_until, settings_of, settings_set
from tests.support.cast import Cast, cast_make
from tests.support.webpush import Browser, read, unbase64

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return cast_make()


@pytest.fixture
def browser() -> Iterator[Browser]:
    found = Browser()
    yield found
    found.close()


@pytest.fixture
def guarded() -> None:
    """Without leave to reach loopback, as in a real house."""


@pytest.fixture(autouse=True)
def loopback_allowed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "guarded" not in request.fixturenames:
        known = dataclasses.replace(settings.KITH, allowed_networks=("127.0.0.0/8",))
        monkeypatch.setattr(settings, "KITH", known)


def tell(cast: Cast, **rest: Any) -> list[Any]:
    values: dict[str, Any] = {
        "kind": "mention", "title": lambda: "Ada asks", "body": "the brakes", "path": "/inbox/1/",
        "scope_id": cast.sales_scope.id,
    }  # fmt: skip
    notify([cast.carl.id, cast.ines.id], **{**values, **rest})
    return list(Notification.objects.values_list("id", flat=True))


def session_of(user: User) -> str:
    store = SessionStore()
    store["_auth_user_id"] = str(user.pk)
    store.create()
    return str(store.session_key)


def jobs(name: str) -> list[Any]:
    return list(ProcrastinateJob.objects.filter(task_name=name, status="todo"))


def test_our_reader_reads_the_example_of_the_standard() -> None:
    key = ec.derive_private_key(
        int.from_bytes(unbase64("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big"), ec.SECP256R1()
    )
    body = (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6"
        "PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    plain = read(unbase64(body), key=key, auth=unbase64("BTBZMqHH6r4Tts7J_aSIgg"))
    assert plain == b"When I grow up, I want to be a watermelon"


def test_a_closed_browser_hears_once_that_something_happened_but_not_what(
    cast: Cast, browser: Browser
) -> None:
    company.set_value("name", "Bicycles Ltd")
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys, device="Firefox")
    ids = tell(cast, subject_id=cast.sales.id)
    assert push_notifications(ids) == 1
    assert push_notifications(ids) == 0
    (heard,) = browser.heard
    assert heard["title"] == "Bicycles Ltd"
    assert heard["body"] == "A colleague calls you in a note"
    assert heard["path"] == "/inbox/1/"
    ((headers, body),) = browser.got
    assert b"colleague" not in body
    assert f"k={push_public_key()}" in headers["Authorization"]
    assert 21_000 < int(headers["TTL"]) <= 21_600
    assert headers["Topic"] == cast.sales.id.hex
    assert PushSubscription.objects.get().used_at is not None


def test_who_chose_so_reads_it_on_the_locked_screen(cast: Cast, browser: Browser) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    quiet_set(cast.carl, Quiet(), aloud=True)
    push_notifications(tell(cast))
    assert [(h["title"], h["body"]) for h in browser.heard] == [("Ada asks", "the brakes")]


def test_a_kind_that_is_not_to_be_pushed_is_not(cast: Cast, browser: Browser) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    settings_set(cast.carl, {"mention": {"push": False}})
    ids = tell(cast)
    assert len(ids) == 1
    assert not jobs("teams.push_send")
    assert push_notifications(ids) == 0
    assert browser.got == []


def test_quiet_hours_keep_silent_and_tell_once_when_they_are_over(cast: Cast, browser: Browser) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    night = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
    cast.carl.time_zone = "UTC"
    cast.carl.save()
    quiet_set(cast.carl, Quiet(True, time(22), time(7)), aloud=False)
    with frozen(night):
        for number in range(3):
            tell(cast, title=lambda number=number: f"n{number}", subject_id=None)
        Notification.objects.update(created_at=night)
        ids = list(Notification.objects.values_list("id", flat=True))
        assert push_notifications(ids) == 0
        assert browser.got == []
        (waits,) = jobs("teams.push_morning")
        assert waits.scheduled_at == datetime(2026, 3, 5, 7, 0, 1, tzinfo=UTC)
    with frozen(datetime(2026, 3, 5, 7, 0, 1, tzinfo=UTC)):
        assert push_after_quiet(cast.carl.pk) == 1
        assert push_after_quiet(cast.carl.pk) == 0
    assert [h["title"] for h in browser.heard] == ["3 things wait for you"]


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-03-04 23:30", "2026-03-05 07:00"),
        ("2026-03-05 06:59", "2026-03-05 07:00"),
        ("2026-03-05 07:00", None),
        ("2026-03-05 21:59", None),
        ("2026-03-06 22:00", "2026-03-09 07:00"),  # a Friday night goes over into the weekend
        ("2026-03-07 12:00", "2026-03-09 07:00"),
    ],
)
def test_when_quiet_ends(cast: Cast, at: str, end: str | None) -> None:
    cast.carl.time_zone = "Europe/Berlin"
    quiet_set(cast.carl, Quiet(True, time(22), time(7), weekends=True), aloud=False)
    hour = timedelta(hours=1)  # Berlin's winter clock is an hour ahead
    told = quiet_until(cast.carl, datetime.fromisoformat(at).replace(tzinfo=UTC) - hour)
    assert (told + hour if told else None) == (
        datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None
    )


@pytest.mark.parametrize("status", [404, 410])
def test_a_gone_subscription_is_removed(cast: Cast, browser: Browser, status: int) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    browser.status = status
    assert push_notifications(tell(cast)) == 0
    assert not PushSubscription.objects.exists()
    assert not jobs("teams.push_again")


def test_a_service_that_is_not_ready_is_asked_again_when_it_said(cast: Cast, browser: Browser) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    browser.status, browser.headers = 429, {"Retry-After": "120"}
    assert push_notifications(tell(cast)) == 0
    (again,) = jobs("teams.push_again")
    assert again.args["attempt"] == 2
    assert 110 <= (again.scheduled_at - now()).total_seconds() <= 121
    row, device = Notification.objects.get(), PushSubscription.objects.get()
    assert device.failed_at is not None
    browser.status = 201
    assert push_retry(row.pk, device.pk, attempt=2)
    assert not push_retry(row.pk, cast.carl.pk, attempt=2)
    notifications_read(cast.viewer(cast.carl))
    assert not push_retry(row.pk, device.pk, attempt=3)
    assert len(browser.got) == 2
    device.refresh_from_db()
    assert device.failed_at is None


def test_the_last_try_is_the_last(cast: Cast, browser: Browser) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    tell(cast)
    browser.status = 503
    row, device = Notification.objects.get(), PushSubscription.objects.get()
    assert not push_retry(row.pk, device.pk, attempt=6)
    assert not jobs("teams.push_again")


@pytest.mark.usefixtures("guarded")
def test_addresses_of_our_own_network_are_refused(cast: Cast, browser: Browser) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    assert push_notifications(tell(cast)) == 0
    assert browser.got == []
    assert PushSubscription.objects.get().failed_at is not None
    assert not jobs("teams.push_again")


def test_what_is_no_longer_visible_is_not_pushed(cast: Cast, browser: Browser) -> None:
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys)
    ids = tell(cast)
    cast.sales.members.remove(cast.carl)
    assert push_notifications(ids) == 0
    assert browser.got == []


def test_a_device_is_told_as_long_as_its_session_is_open(cast: Cast, browser: Browser) -> None:
    key = session_of(cast.carl)
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys, session_key=key)
    assert len(devices_of(cast.carl)) == 1
    SessionStore(key).delete()
    assert push_notifications(tell(cast)) == 0
    assert browser.got == []
    assert not PushSubscription.objects.exists()


def test_ending_sessions_and_leaving_end_devices(cast: Cast, browser: Browser) -> None:
    kept, other = session_of(cast.carl), session_of(cast.carl)
    push_subscribe(user=cast.carl, endpoint=browser.endpoint, keys=browser.keys, session_key=kept)
    push_subscribe(user=cast.carl, endpoint=f"{browser.endpoint}2", keys=browser.keys, session_key=other)
    sessions_end(user=cast.carl, keep_key=kept)
    assert PushSubscription.objects.get().session_key == kept
    owner = User.objects.create_user("boss@us.example", "x", name="Boss", role="owner")
    user_leave(user=cast.carl, actor=owner)
    assert not PushSubscription.objects.exists()


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


def test_devices_have_names() -> None:
    phone = (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36"
    )
    assert device_name(phone) == "Chrome, Android"
    assert device_name("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0") == (
        "Firefox, Linux"
    )
    assert device_name("curl") == ""


def test_unread_news_is_mailed_once_and_quietly_to_who_wants_it(cast: Cast, mailoutbox: list[Any]) -> None:
    settings_set(cast.carl, {"mention": {"mail": True}})
    assert settings_of(cast.ines)["mention"]["mail"] is False
    company.set_value("public_url", "https://kith.us.example")
    ids = tell(cast)
    assert len(jobs("teams.mail_send")) == 1
    assert [mail_notifications(ids), mail_notifications(ids)] == [1, 0]
    (mail,) = mailoutbox
    assert mail.to == [cast.carl.email]
    assert "https://kith.us.example/inbox/1/" in mail.body
    assert "brakes" not in mail.body
    assert "Ada" not in mail.body


def test_what_was_read_meanwhile_is_not_mailed(cast: Cast) -> None:
    settings_set(cast.carl, {"mention": {"mail": True}})
    ids = tell(cast)
    notifications_read(cast.viewer(cast.carl))
    assert mail_notifications(ids) == 0
