"""Every screen and job that connects to an address somebody gave: none of the notations of loopback gets there."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as now_settings
from django.core import signing
from django.test import Client

from kith.channels import gateway
from kith.channels.discovery import found_for
from kith.config.sign_in import single_sign_on
from kith.connectors.contract import Polls, Sends
from kith.connectors.manifest import manifests
from kith.core import company
from tests.safety.test_outgoing_requests import Listener
from tests.support import house
from tests.web.people import signed_in

pytestmark = pytest.mark.django_db

# The ones that a plain client follows to this machine (tests/safety/test_outgoing_requests.py has the whole corpus).
HOSTS = [
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "0", "0.0.0.0", "2130706433", "0x7f000001",
    "0177.0.0.1", "017700000001", "0x7f.0x0.0x0.0x1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]", "127.127.127.127", "user@127.0.0.1", "example.com@127.0.0.1", "[64:ff9b::7f00:1]",
]  # fmt: skip


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def _urls(port: int) -> list[str]:
    return [f"http://{host}:{port}/x" for host in HOSTS]


def _quietly(call: Callable[[], Any]) -> None:
    with contextlib.suppress(Exception):
        call()


def test_without_a_guard_they_arrive(listener: Listener) -> None:
    import httpx

    for url in _urls(listener.port):
        _quietly(lambda url=url: httpx.get(url, timeout=2, trust_env=False))
    assert len(listener.said) >= 6


@pytest.mark.parametrize("network", sorted(manifests()))
def test_the_test_of_a_connection_and_what_follows_it(network: str, listener: Listener) -> None:
    """Each setting of each connector that names a server, on the connection screen, when fetching, when sending."""
    fields = manifests()[network].fields
    places = [field.name for field in fields if field.kind in ("url", "host")]
    secrets = {field.name: "a secret of ours" for field in fields if field.secret}
    for name in places:
        for host in HOSTS:
            values = {field.name: field.default or "us@us.example" for field in fields if not field.secret}
            values |= {
                field.name: "" for field in fields if field.kind in ("url", "host") and not field.required
            }
            values |= {field.name: str(listener.port) for field in fields if field.kind == "port"}
            values |= {field.name: "none" for field in fields if "security" in field.name}
            kind = next(field.kind for field in fields if field.name == name)
            values |= {
                other: (f"http://{host}:{listener.port}/" if kind == "url" else host.strip("[]"))
                for other in places
                if other == name or kind == "host"
            }
            _quietly(lambda values=values: gateway.check(network, values, secrets))
            account = house.account(network, settings=values, secrets=secrets, external_id=f"{name} {host}")
            connector = gateway.connector_for(account)
            if isinstance(connector, Polls):
                _quietly(lambda connector=connector: connector.fetch(None, limit=5))
            if isinstance(connector, Sends):
                from kith.connectors.contract import Outgoing, Party

                message = Outgoing("k", "Hello", (Party("ada@outside.example", handle="ada", role="to"),))
                _quietly(lambda connector=connector, message=message: connector.send(message))
    assert listener.said == []


def test_finding_a_mail_server_by_an_address(listener: Listener) -> None:
    for host in (
        "localhost",
        "127.0.0.1",
        "[127.0.0.1]",
        f"localhost:{listener.port}",
        f"x@127.0.0.1:{listener.port}/",
    ):
        _quietly(lambda host=host: found_for("email", f"me@{host}"))
    assert listener.said == []


def test_webhooks_that_we_send(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    from kith.channels.models import WebhookDelivery, WebhookSubscription
    from kith.channels.webhooks_out import delivering

    _, user = signed_in("Olga", "owner")
    monkeypatch.setattr(delivering, "subscription_secret", lambda _: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    for url in _urls(listener.port):
        subscription = WebhookSubscription.objects.create(url=url, created_by=user, secret="x")
        one = WebhookDelivery.objects.create(subscription=subscription, kind="ping")
        delivering._send_waiting(subscription)
        one.refresh_from_db()
        assert one.state == "waiting", url
        assert one.error, url
    assert listener.said == []


def test_pictures_in_mails(listener: Listener) -> None:
    from kith.web.inbox.content import SALT

    client, _ = signed_in("Olga", "owner")
    for url in _urls(listener.port):
        assert client.get(f"/images/{signing.dumps(url, salt=SALT)}/").status_code == 404
    assert listener.said == []
    assert client.get("/images/forged/").status_code == 404


def test_notices_pushed_to_a_device(listener: Listener) -> None:
    import base64

    from kith.teams import push
    from kith.teams.models import Notification, PushSubscription

    _, user = signed_in("Olga", "owner")
    keys = {
        "p256dh": "BIanZ7Zt5ZIBLY8XJ0nYkQqPZaRp0OBm4cXfyMsi6KGp6QZo8vVDeIwYx7wZPdcYLwfAtz7BYMDHVkP8JqfBNOk",
        "auth": base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("="),
    }
    notice = Notification.objects.create(user=user, kind="assigned", title="t", body="b", path="/")
    for url in _urls(listener.port):
        device = PushSubscription.objects.create(user=user, endpoint=url, keys=keys)
        _quietly(lambda device=device: push._push(device, notice))
        device.delete()
    assert listener.said == []


def test_the_issuer_of_single_sign_on(listener: Listener, settings: Any) -> None:
    company.set_value("name", "Us")
    for url in _urls(listener.port):
        settings.KITH = dataclasses.replace(
            now_settings.KITH, oidc_url=url, oidc_client_id="x", oidc_client_secret="y"
        )
        settings.SOCIALACCOUNT_PROVIDERS = single_sign_on(settings.KITH)
        assert Client().post("/accounts/oidc/company/login/").status_code == 502
    assert listener.said == []
