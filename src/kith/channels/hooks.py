"""Webhooks on their way in: the signature over the bytes first, durable rows second, the answer last."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.limits import words_of
from kith.channels.receive import raw_items_store
from kith.connectors.contract import BadPayload, ConnectorError, Forged, ReceivesWebhooks, WebhookRequest
from kith.core import company
from kith.networks.models import ChannelAccount

MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HookAnswer:
    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


def hook_url(account: ChannelAccount) -> str:
    """Where the network sends to; "" while the house has no public address."""
    base = company.public_url()
    return f"{base}/hooks/{account.pk}/" if base else ""


def refusal(error: ConnectorError, account: ChannelAccount) -> HookAnswer:
    """401 for what is forged, 400 for what can't be understood, 503 for what may be sent again."""
    if isinstance(error, Forged):
        return HookAnswer(401, b"The signature does not hold.")
    return HookAnswer(400 if isinstance(error, BadPayload) else 503, words_of(error, account).encode())


def hook_receive(
    account_id: uuid.UUID,
    *,
    method: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
    url: str,
) -> HookAnswer:
    """Take one request for a channel account. Nothing in it is parsed before its signature holds.

    404 for an account that takes none (or is none: who asks learns no difference), 401 for a forged one, 400 for one that
    can't be understood, else 200 once it is durable. The same event again is taken, and changes nothing.
    """
    account = ChannelAccount.objects.filter(pk=account_id, state=ChannelAccount.State.ACTIVE).first()
    if account is None or gateway.is_simulated(account):
        return HookAnswer(404)
    try:
        connector = gateway.connector_for(account)
    except gateway.ChannelError:
        return HookAnswer(404)
    if not isinstance(connector, ReceivesWebhooks):
        return HookAnswer(404)
    request = WebhookRequest(method, {k.lower(): v for k, v in headers.items()}, dict(query), body, url)
    try:
        challenge = connector.challenge(request)
        if challenge is not None:
            return HookAnswer(challenge.status, challenge.body, challenge.content_type)
        if method != "POST":
            return HookAnswer(405)
        connector.verify(request, now=now())
        items = connector.items(request)
    except ConnectorError as error:
        return refusal(error, account)
    raw_items_store(account, list(items))
    return HookAnswer(200)
