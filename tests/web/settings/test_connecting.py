"""Connecting a channel, as whoever waits sees it: what is being done, step by step; stopped when it takes too long."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from kith.channels import discovery, gateway, progress
from kith.connectors.contract import OwnIdentity
from kith.core import company
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from tests.support.browser import screen
from tests.web.people import person, signed_in

FORM = {
    "address": "info@shop.example", "auth": "password", "password": "open-sesame", "history": "0", "audience": "everyone",
    "intake": "all", "protocol": "imap", "security": "tls", "smtp_security": "tls", "sent_copy": "append", "provider": "google",
}  # fmt: skip


def _steps(client: Client, run: uuid.UUID) -> str:
    return " ".join(client.get(reverse("settings:channel_steps", args=[run])).content.decode().split())


class Elsewhere:
    """A far side that takes its time: it says one thing, and waits until it is let go on."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.error: gateway.ChannelError | None = None
        self.seen: list[dict[str, str]] = []
        self.looked, self.found = threading.Event(), threading.Event()

    def found_for(self, network: str, address: str) -> list[dict[str, str]]:
        self.looked.set()
        assert self.found.wait(60)
        return [
            {"host": "mail.shop.example", "smtp_host": "mail.shop.example", "port": "143", "source": "a test"}
        ]

    def check(self, network: str, settings: Any, secrets: Any) -> OwnIdentity:
        self.seen.append({**settings, **secrets})
        progress.tell(f"Signing in to {settings['host']}, port 993, for mail that comes in")
        self.asked.set()
        assert self.go_on.wait(60)
        progress.tell(f"Signing in to {settings['smtp_host']}, port 465, for mail that goes out")
        if self.error:
            raise self.error
        return OwnIdentity("info@shop.example", "info@shop.example")

    def again(self, error: gateway.ChannelError | None = None) -> None:
        self.error = error
        self.asked.clear()
        self.go_on.clear()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    made = Elsewhere()
    monkeypatch.setattr(gateway, "check", made.check)
    monkeypatch.setattr(discovery, "found_for", made.found_for)
    yield made
    made.go_on.set()
    made.found.set()


@pytest.mark.django_db
def test_each_server_that_is_tried_is_a_step_with_what_became_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client, user = signed_in("Olga", "owner")
    User.objects.filter(pk=user.pk).update(language="de")
    run = uuid.uuid4()
    during: list[str] = []

    def guard(host: str, port: int) -> list[str]:
        during.append(_steps(client, run))
        raise gateway.Refused(f"There is no server called {host!r}.", field="host")

    monkeypatch.setattr(gateway, "guard", guard)
    monkeypatch.setattr("kith.connectors.email.discover._autoconfig", lambda *_: [])
    monkeypatch.setattr("kith.connectors.email.discover.dns_resolve", lambda *_: [])
    answer = client.post(
        reverse("settings:channel_connect", args=["email"]),
        {**FORM, "do": "connect"},
        headers={"HX-Request": "true", "X-Kith-Run": str(run)},
    )
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Was versucht wurde" in text
    for host in ("imap.shop.example", "mail.shop.example"):
        assert f"Anmelden bei {host}, Port 993, für ankommende Mails" in text
        assert f"Es gibt keinen Server namens &#39;{host}&#39;." in text
    assert "Server von shop.example suchen" in during[0]
    assert during[0].count("loading-spinner") == 1
    assert "Es gibt keinen Server namens" not in during[0]
    assert "Es gibt keinen Server namens" in during[1]
    assert "open-sesame" not in " ".join(during) + _steps(client, run)


@pytest.mark.django_db
def test_steps_are_for_who_waits_alone() -> None:
    olga, user = signed_in("Olga", "owner")
    eve, _ = signed_in("Eve", "owner")
    run = progress.Run(user.pk, uuid.uuid4())
    run.tell("Signing in to imap.shop.example, port 993, for mail that comes in")
    address = reverse("settings:channel_steps", args=[run.id])
    assert "imap.shop.example" in _steps(olga, run.id)
    assert _steps(eve, run.id) == _steps(eve, uuid.uuid4()) == ""
    assert eve.post(address).json()["stopped"] is True, "a run of her own, of that name"
    run.tell("Signing in to smtp.shop.example, port 465, for mail that goes out")
    assert olga.post(address).json() == {"stopped": True, "said": "Stopped. Nothing was connected."}
    for act in (lambda: run.tell("more"), run.settle):
        with pytest.raises(progress.Stopped):
            act()


@pytest.mark.django_db
def test_what_is_done_can_be_stopped_no_more() -> None:
    olga, user = signed_in("Olga", "owner")
    run = progress.Run(user.pk, uuid.uuid4())
    run.settle()
    answer = olga.post(reverse("settings:channel_steps", args=[run.id])).json()
    assert answer == {"stopped": False, "said": "Too late to stop: it is done already."}
    run.tell("saving")


@pytest.mark.django_db
def test_a_made_up_name_of_a_run_does_nothing(elsewhere: Elsewhere) -> None:
    client, _ = signed_in("Olga", "owner")
    elsewhere.go_on.set()
    for name in ("x", "'; --", "0" * 5000):
        given = {**FORM, "host": "imap.shop.example", "smtp_host": "smtp.shop.example", "do": "test"}
        answer = client.post(
            reverse("settings:channel_connect", args=["email"]), given, headers={"X-Kith-Run": name}
        )
        assert answer.status_code == 200


@pytest.fixture
def olga(live_server: Any) -> User:
    cache.clear()
    company.set_value("name", "Bicycles Ltd")
    return person("Olga", "owner")


def _wait(true: Callable[[], bool]) -> None:
    event = threading.Event()
    for _ in range(600):
        if true():
            return
        event.wait(0.05)
    raise AssertionError("it did not come to that")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_who_connects_sees_what_is_done_and_can_stop_it(
    chromium: Any, live_server: Any, olga: User, elsewhere: Elsewhere
) -> None:
    with screen(chromium, live_server.url, olga) as it:
        page = it.page
        it.go("/settings/channels/new/email/")
        page.locator("[name=address]").fill("info@shop.example")
        page.locator("summary", has_text="Advanced").click()
        _wait(elsewhere.looked.is_set)
        page.locator("[name=host]").fill("imap.shop.example")
        # servers are found late: they fill in what nobody typed meanwhile, and nothing else
        elsewhere.found.set()
        page.get_by_text("Filled in from a test.").wait_for()
        assert page.locator("[name=host]").input_value() == "imap.shop.example"
        assert page.locator("[name=smtp_host]").input_value() == "mail.shop.example"
        assert page.locator("[name=port]").input_value() == "143"
        page.locator("[name=port]").fill("993")
        page.locator("[name=smtp_host]").fill("smtp.shop.example")
        page.locator("[name=password]").fill("open-sezame")

        def press(name: str) -> None:
            page.get_by_role("button", name=name, exact=True).click()

        # a wrong password: what was typed stays, to be put right
        wrong = gateway.ChannelError("The password is wrong.", field="password", kind="ReconnectNeeded")
        elsewhere.again(wrong)
        press("Test the connection")
        steps = page.locator("#connect-steps li")
        steps.first.wait_for()
        assert "Signing in to imap.shop.example, port 993" in steps.last.inner_text()
        assert page.get_by_role("button", name="Connect", exact=True).is_disabled()
        assert it.axe() == []
        elsewhere.go_on.set()
        page.get_by_text("The password is wrong.").wait_for()
        assert page.locator("[name=password]").input_value() == "open-sezame"
        assert page.locator("[name=host]").input_value() == "imap.shop.example"
        page.locator("#connect-wait").wait_for(state="hidden")

        # who goes ahead while servers are still looked for is not overtaken by them
        elsewhere.looked.clear()
        elsewhere.found.clear()
        page.locator("[name=address]").fill("hello@shop.example")
        page.locator("[name=password]").fill("open-sesame")
        _wait(elsewhere.looked.is_set)
        elsewhere.again(wrong)
        press("Test the connection")
        steps.first.wait_for()
        elsewhere.found.set()
        page.wait_for_timeout(1500)
        assert steps.first.is_visible()
        elsewhere.go_on.set()
        page.get_by_text("The password is wrong.").wait_for()
        page.locator("#connect-wait").wait_for(state="hidden")
        assert page.locator("[name=address]").input_value() == "hello@shop.example"
        assert page.locator("[name=smtp_host]").input_value() == "smtp.shop.example"
        page.locator("[name=address]").fill("info@shop.example")

        # stopped: nothing is connected, whatever the far side says later
        page.locator("[name=password]").fill("open-sesame")
        elsewhere.again()
        press("Connect")
        steps.first.wait_for()
        press("Stop")
        page.get_by_text("Stopped. Nothing was connected.").wait_for()
        page.locator("#connect-wait").wait_for(state="hidden")
        elsewhere.go_on.set()
        _wait(lambda: len(elsewhere.seen) == 3)
        assert page.locator("[name=password]").input_value() == "open-sesame"

        # and again, to the end
        elsewhere.again()
        press("Connect")
        _wait(elsewhere.asked.is_set)
        assert ChannelAccount.objects.count() == 0
        elsewhere.go_on.set()
        page.wait_for_url("**/settings/channels/*-*/")
        assert it.complaints == []
    assert ChannelAccount.objects.get().address == "info@shop.example"
    assert [asked["password"] for asked in elsewhere.seen] == [
        "open-sezame",
        "open-sesame",
        "open-sesame",
        "open-sesame",
    ]
