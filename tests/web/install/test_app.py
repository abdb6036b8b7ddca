"""Kith as an app in Chromium: installable, honest without a connection, told when its window is closed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from kith.teams.models import Notification, PushSubscription, User
from kith.teams.notifications import notify
from kith.teams.push import push_notifications
from kith.web.install import views
from tests.support.browser import Screen, browser, screen
from tests.support.webpush import Browser
from tests.web.people import assert_clean

expect.set_options(timeout=30_000)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

STUB = """
Object.defineProperty(PushManager.prototype, "subscribe", { value: async function (options) {
  window.asked = options;
  const made = { endpoint: %(endpoint)s, options, unsubscribe: async () => { sessionStorage.removeItem("sub"); return true; },
                 toJSON: () => ({ endpoint: %(endpoint)s, keys: %(keys)s }) };
  sessionStorage.setItem("sub", "1");
  return made;
} });
Object.defineProperty(PushManager.prototype, "getSubscription", { value: async function () {
  return sessionStorage.getItem("sub") ? this.subscribe({}) : null;
} });
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser(whole=True) as running:
        yield running


@pytest.fixture
def push_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    known = dataclasses.replace(settings.KITH, allowed_networks=("127.0.0.0/8",))
    monkeypatch.setattr(settings, "KITH", known)
    found = Browser()
    yield found
    found.close()


def local(live_server: Any) -> str:
    """Service workers and notifications want a secure origin, which loopback by name is."""
    return str(live_server.url)


def ready(it: Screen) -> Any:
    """The service worker, once it is active and stands before the page."""
    it.until("navigator.serviceWorker.controller?.state === 'activated'")
    return it.page.context.service_workers[0]


def test_it_can_be_installed_and_keeps_no_page_with_anything_in_it(
    chromium: Any, live_server: Any, mara: User
) -> None:
    with screen(chromium, local(live_server), mara) as it:
        it.go("/inbox/")
        worker = ready(it)
        session = it.page.context.new_cdp_session(it.page)
        told = session.send("Page.getAppManifest")
        assert told["errors"] == []
        assert json.loads(told["data"])["name"] == "Kith"
        errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert [e for e in errors if e["errorId"] != "in-incognito"] == []
        it.go("/people/")
        it.go("/inbox/")
        kept = worker.evaluate(
            "async () => { const found = []; for (const name of await caches.keys()) for (const request of await (await "
            "caches.open(name)).keys()) found.push(new URL(request.url).pathname); return found; }"
        )
        assert "/offline/" in kept
        assert [p for p in kept if not p.startswith("/static/dist/") and p != "/offline/"] == []
        assert it.complaints == []


def test_without_a_connection_it_says_so(chromium: Any, live_server: Any, mara: User) -> None:
    with screen(chromium, local(live_server), mara, width=390, height=844) as it:
        it.go("/inbox/")
        ready(it)
        it.page.context.set_offline(True)
        it.go("/inbox/")
        expect(it.page.get_by_role("heading", name="Kith can't be reached")).to_be_visible()
        assert it.page.locator("main").evaluate("e => getComputedStyle(e).display") == "flex"
        assert "Steve" not in it.page.content()
        assert it.axe() == []
        it.page.context.set_offline(False)
        expect(it.page.locator("#nav-list")).to_be_attached()


def test_a_new_version_waits_until_its_reader_agrees(
    chromium: Any, live_server: Any, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with screen(chromium, local(live_server), mara) as it:
        it.go("/inbox/")
        ready(it)
        before = it.page.evaluate("caches.keys()")
        real = views._script
        monkeypatch.setattr(
            views, "_script", lambda at: real(at).replace('"version": "', '"version": "next-')
        )
        it.page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
        offer = it.page.locator(".toast-item", has_text="There is a new version of Kith.")
        expect(offer).to_be_visible()
        with it.page.expect_navigation():
            offer.get_by_role("button", name="Load it").click()
        it.until("caches.keys().then((k) => k.length === 1 && k[0].startsWith('kith-next-'))")
        assert before != it.page.evaluate("caches.keys()")
        assert it.complaints == []


def test_a_closed_phone_is_called_and_a_touch_opens_the_conversation(
    chromium: Any, live_server: Any, mara: User, push_service: Browser
) -> None:
    base = local(live_server)
    with screen(chromium, base, mara, permissions=["notifications"]) as it:
        page = it.page
        page.add_init_script(
            STUB % {"endpoint": json.dumps(push_service.endpoint), "keys": json.dumps(push_service.keys)}
        )
        it.go("/settings/notifications/")
        worker = ready(it)
        assert it.axe() == []
        page.get_by_role("button", name="Tell me on this device").click()
        expect(page.get_by_text("This device is told while you stay signed in on it.")).to_be_visible()
        expect(page.get_by_text("this session")).to_be_visible()
        device = PushSubscription.objects.get(user=mara)
        assert device.device == "Chrome, Linux"
        page.get_by_role("button", name="Try it").click()
        expect(page.locator(".toast-item", has_text="It arrives within a few seconds")).to_be_visible()
        assert push_service.heard[-1]["body"] == "So it looks when Kith calls you."

        row = page.request.get(f"{base}/inbox/").text().split('data-row="', 1)[1].split('"', 1)[0]
        notify(
            [mara.pk],
            kind="message",
            title=lambda: "Steve answers",
            body="where is my hub",
            path=f"/inbox/{row}/",
        )
        assert (
            push_notifications(list(Notification.objects.filter(user=mara).values_list("pk", flat=True))) >= 1
        )
        heard = push_service.heard[-1]
        assert heard["body"] == "Somebody answers in a conversation of yours"
        assert "Steve" not in json.dumps(heard)

        session = page.context.new_cdp_session(page)
        found: list[dict[str, Any]] = []
        session.on(
            "ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"])
        )
        session.send("ServiceWorker.enable")
        while not found:
            page.wait_for_timeout(50)
        session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": base, "registrationId": found[-1]["registrationId"], "data": json.dumps(heard)},
        )
        shown = "self.registration.getNotifications().then((all) => all.map((one) => [one.title, one.body, one.data.path]))"
        it.until(
            "navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((all) => all.length === 1)"
        )
        assert worker.evaluate(shown) == [["Velo Hof", heard["body"], f"/inbox/{row}/"]]
        with page.expect_navigation(url=f"{base}/inbox/{row}/"):
            worker.evaluate(
                "self.registration.getNotifications().then((all) => self.dispatchEvent("
                "new NotificationEvent('notificationclick', { notification: all[0] })))"
            )
        expect(page.locator(f'[data-conversation="{row}"]')).to_be_visible()

        it.go("/settings/notifications/")
        page.get_by_role("button", name="Not on this device any more").click()
        expect(page.get_by_text("No device asked to be told.")).to_be_visible()
        assert not PushSubscription.objects.exists()


def test_the_browser_is_asked_only_after_a_press(chromium: Any, live_server: Any, mara: User) -> None:
    with screen(chromium, local(live_server), mara) as it:
        it.page.add_init_script(
            "window.asked = 0; const real = Notification.requestPermission;"
            "Notification.requestPermission = () => { window.asked += 1; return Promise.resolve('default'); };"
            "Object.defineProperty(Notification, 'permission', { get: () => 'default' });"
        )
        it.go("/inbox/")
        it.go("/settings/notifications/")
        button = it.page.get_by_role("button", name="Tell me on this device")
        expect(button).to_be_visible()
        assert it.page.evaluate("window.asked") == 0
        button.click()
        it.until("window.asked === 1")


def test_the_choices_are_kept(chromium: Any, live_server: Any, mara: User) -> None:
    with screen(chromium, local(live_server), mara) as it:
        it.go("/settings/notifications/")
        it.page.get_by_role("checkbox", name="A conversation of yours wakes up: Pushed").uncheck()
        it.page.get_by_role("checkbox", name="A colleague calls you in a note: By mail").check()
        it.page.get_by_role("checkbox", name="Nothing rings at night").check()
        it.page.get_by_label("From").fill("21:30")
        it.page.get_by_role("button", name="Save", exact=True).click()
        expect(it.page.get_by_text("Your notifications are changed.")).to_be_visible()
        mara.refresh_from_db()
        assert mara.preferences["notify"]["snooze"]["push"] is False
        assert mara.preferences["notify"]["mention"]["mail"] is True
        assert mara.preferences["quiet"] == {"on": True, "start": "21:30", "end": "07:00", "weekends": False}
        assert mara.preferences["aloud"] is False


def test_the_page_of_no_connection_and_the_manifest_hold_nothing_of_anyone(mara: User) -> None:
    page = Client(headers={"accept-language": "de"}).get(reverse("install:offline"))
    assert "Velo Hof" not in assert_clean(page)
    assert "Kith ist nicht erreichbar" in page.content.decode()
    manifest = Client().get(reverse("install:manifest")).json()
    assert manifest["start_url"] == "/inbox/"
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
