"""OAuth tokens are renewed by one process at a time, and committed before anybody uses them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection

from kith.base.clock import now
from kith.channels import gateway, runner
from kith.channels.deliver import Claimer, deliver, deliveries_claim
from kith.channels.models import Delivery
from kith.channels.outbox import Compose, message_send
from kith.channels.simulator import play
from kith.channels.tokens import tokens_fresh, tokens_renew
from kith.connectors.contract import OutcomeUnknown, Outgoing, Page, Receipt, ReconnectNeeded, RetryLater
from kith.conversations.models import Message, MessageCopy
from kith.networks.models import ChannelAccount
from tests.support import house

pytestmark = pytest.mark.django_db(transaction=True)


class Provider:
    """Gives each new access token once, and withdraws a refresh token when it is used, as strict providers do."""

    def __init__(self) -> None:
        self.number, self.refreshes, self.withdrawn = 1, 0, set[str]()
        self.seen: list[str] = []
        self.slow, self.error, self.blames = 0.0, None, "auth"
        self.lock = threading.Lock()

    def secrets(self, lives: float) -> dict[str, str]:
        return {
            "access_token": f"access-{self.number}",
            "refresh_token": f"refresh-{self.number}",
            "expires_at": str(int(now().timestamp() + lives)),
        }


class Authorizing:
    def __init__(self, provider: Provider, account: ChannelAccount) -> None:
        self.provider, self.secrets = provider, dict(account.secrets or {})
        self.pk = account.pk

    def authorize_url(self, *, redirect_uri: str, state: str) -> str:
        return ""

    def exchange(self, *, code: str, redirect_uri: str) -> Mapping[str, str]:
        return {}

    def refresh(self) -> Mapping[str, str]:
        provider = self.provider
        time.sleep(provider.slow)
        with provider.lock:
            provider.refreshes += 1
            if provider.error:
                raise provider.error
            if self.secrets["refresh_token"] in provider.withdrawn:
                raise ReconnectNeeded("The refresh token was used before.", field="auth")
            provider.withdrawn.add(self.secrets["refresh_token"])
            provider.number += 1
            return provider.secrets(3600)

    def _use(self) -> None:
        token = self.secrets["access_token"]
        stored = ChannelAccount.objects.get(pk=self.pk).secrets if not connection.in_atomic_block else None
        assert stored is None or stored["access_token"] == token, "used before it was committed"
        self.provider.seen.append(token)
        if token != f"access-{self.provider.number}":
            raise ReconnectNeeded("The token is not valid.", field=self.provider.blames)

    def fetch(self, cursor: str, *, limit: int) -> Page:
        self._use()
        return Page((), "c")

    def send(self, outgoing: Outgoing) -> Receipt:
        try:
            self._use()
        finally:
            connection.close()
        return Receipt(f"id-{outgoing.idempotency_key}", now())

    def find_sent(self, outgoing: Outgoing, *, since: Any) -> Any:
        raise OutcomeUnknown("nobody knows")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    made = Provider()
    monkeypatch.setattr(gateway, "connector_for", lambda account: Authorizing(made, account))
    return made


def together(count: int, account: ChannelAccount) -> list[str]:
    """What token each of several processes (threads with sessions of their own) ends up with."""
    found: list[str] = []

    def one() -> None:
        try:
            found.append((tokens_fresh(account).secrets or {})["access_token"])
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_many_at_once_refresh_once(provider: Provider) -> None:
    provider.slow = 0.2
    account = house.account(secrets=provider.secrets(30))
    assert together(8, account) == ["access-2"] * 8
    assert provider.refreshes == 1
    stored = ChannelAccount.objects.get().secrets or {}
    assert (stored["access_token"], stored["refresh_token"]) == ("access-2", "refresh-2")


def test_good_tokens_are_left_alone(provider: Provider) -> None:
    account = house.account(secrets=provider.secrets(3600))
    assert tokens_fresh(account) is account
    assert tokens_fresh(house.account(secrets={"password": "x"}, external_id="other")).secrets
    assert provider.refreshes == 0


def test_reading_renews_before_the_end_and_uses_what_is_committed(provider: Provider) -> None:
    account = house.account("email", secrets=provider.secrets(30))
    stop = threading.Event()
    thread = threading.Thread(target=_read, args=(account, stop))
    thread.start()
    _until(lambda: provider.seen)
    stop.set()
    thread.join(10)
    assert provider.seen[0] == "access-2"
    assert ChannelAccount.objects.get().state == "active"


def _read(account: ChannelAccount, stop: threading.Event) -> None:
    try:
        runner.read_account(account.pk, stop)
    finally:
        connection.close()


def _until(told: Any, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("blames", ["auth", "access_token", ""])
def test_a_token_that_the_network_refuses_is_renewed_once_then_a_person_is_asked(
    provider: Provider, blames: str
) -> None:
    provider.blames = blames
    account = house.account("email", secrets={**provider.secrets(3600), "access_token": "withdrawn"})
    stop = threading.Event()
    thread = threading.Thread(target=_read, args=(account, stop))
    thread.start()
    _until(lambda: len(provider.seen) >= 2)
    stop.set()
    thread.join(10)
    assert provider.seen[:2] == ["withdrawn", "access-2"]
    assert ChannelAccount.objects.get().state == "active"

    provider.number += 5  # now nothing that we get is good
    provider.error = ReconnectNeeded("Sign in again.", field="auth")
    runner.read_account(account.pk, threading.Event())  # comes back by itself
    assert provider.refreshes == 2
    assert ChannelAccount.objects.get().state == "reconnect"
    assert "Sign in again" in ChannelAccount.objects.get().health.last_error


def _queued(account: ChannelAccount) -> Delivery:
    play(account, sender_id="ada", sender_name="Ada", text="Anyone?")
    asked = Message.objects.get(direction="in")
    copy = MessageCopy.objects.filter(message=asked).select_related("thread")[0]
    message_send(
        Compose(
            user=house.user(),
            account=account,
            text="Yes",
            recipients=((asked.sender_id, "to"),),  # type: ignore[arg-type]
            conversation_id=copy.thread.conversation_id,
            reply_to=asked,
            undo_seconds=0,
        )
    )
    return Delivery.objects.get()


def _send_due() -> Delivery:
    claimed = deliveries_claim(Claimer.start())
    assert claimed is not None
    deliver(claimed)
    return Delivery.objects.get()


@pytest.mark.parametrize("blames", ["auth", "access_token", ""])
def test_sending_renews_a_refused_token_and_sends_once(provider: Provider, blames: str) -> None:
    provider.blames = blames
    account = house.account(secrets={**provider.secrets(3600), "access_token": "withdrawn"})
    _queued(account)
    assert _send_due().state == "sent"
    assert provider.seen == ["withdrawn", "access-2"]


def test_without_new_tokens_the_answer_waits_for_a_person(provider: Provider) -> None:
    account = house.account(secrets={**provider.secrets(3600), "access_token": "withdrawn"})
    _queued(account)
    provider.error = ReconnectNeeded("Sign in again.", field="auth")
    assert _send_due().state == "queued"
    assert ChannelAccount.objects.get().state == "reconnect"
    Delivery.objects.update(not_before=now())
    assert deliveries_claim(Claimer.start()) is None, "nothing is tried until the channel is connected again"
    ChannelAccount.objects.update(state="active", secrets=None)
    provider.error = None
    row = ChannelAccount.objects.get()
    row.secrets = provider.secrets(3600)
    row.save()
    assert _send_due().state == "sent"


def test_a_provider_that_is_down_is_asked_later(provider: Provider) -> None:
    account = house.account(secrets=provider.secrets(30))
    provider.error = RetryLater("The provider answered 503.", after=30)
    with pytest.raises(RetryLater):
        tokens_renew(account)
    _queued(account)
    delivery = _send_due()
    assert (delivery.state, delivery.error) == ("queued", "The provider answered 503.")
    assert ChannelAccount.objects.get().state == "active"


def test_what_a_person_connected_meanwhile_is_not_overwritten(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = house.account(secrets=provider.secrets(30))
    plain = Authorizing.refresh

    def slowly(self: Authorizing) -> Mapping[str, str]:
        row = ChannelAccount.objects.get()
        row.secrets = {"access_token": "by hand", "refresh_token": "new", "expires_at": "99999999999"}
        row.save()
        connection.close()
        return plain(self)

    monkeypatch.setattr(Authorizing, "refresh", slowly)
    assert (tokens_fresh(account).secrets or {})["access_token"] == "by hand"
