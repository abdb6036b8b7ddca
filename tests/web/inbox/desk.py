"""A desk to answer from: a played channel, somebody who writes, and what the outbox does about it."""

from __future__ import annotations

import uuid
from typing import Any

from django.test import Client

from kith.channels.deliver import Claimer, deliver, deliveries_claim
from kith.channels.models import Delivery
from kith.channels.simulator import play
from kith.conversations.models import Message, MessageCopy
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from tests.support import house

HTMX = {"HX-Request": "true"}


def client_of(user: User) -> Client:
    client = Client(headers=HTMX)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def played(network: str = "email", address: str = "info@us.example", **rest: Any) -> ChannelAccount:
    """One of our accounts whose network is played: nothing leaves the machine."""
    settings = {"simulated": True, **rest.pop("settings", {})}
    return house.account(
        network, name=address, address=address, external_id=address, settings=settings, **rest
    )


def asked(
    account: ChannelAccount, text: str = "Where is my bike?", who: str = "ada@x.example", **rest: Any
) -> tuple[uuid.UUID, Message]:
    """Somebody writes to us; returns the conversation and the message."""
    values = {"subject": "My bike", "sender_name": "Ada Lovelace", **rest}
    key = play(account, sender_id=who, handle=who, text=text, **values)
    message = Message.objects.get(external_id=key)
    return where(message), message


def where(message: Message) -> uuid.UUID:
    return MessageCopy.objects.select_related("thread").get(message=message).thread.conversation_id


def send_due() -> None:
    """Send all that waits, the seconds for taking back over."""
    Delivery.objects.filter(state="queued").update(not_before="2026-01-01T00:00:00Z")
    claimer = Claimer.start()
    while (delivery := deliveries_claim(claimer)) is not None:
        deliver(delivery)


def behave(account: ChannelAccount, how: str) -> None:
    account.settings = {**account.settings, "behaviour": how}
    account.save(update_fields=["settings"])
