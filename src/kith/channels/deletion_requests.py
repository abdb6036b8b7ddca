"""Networks that pass on that somebody wants their data deleted: who asks is proven here, what becomes of it is said above."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.hooks import HookAnswer, refusal
from kith.connectors.contract import (
    AnswersDeletionRequests,
    ConnectorError,
    WebhookRequest,
)
from kith.core import company
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of

MAX_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class WhoAsks:
    """Proven by the network's signature. `account`: the channel that the network told."""

    account: ChannelAccount
    realm: str
    external_id: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What the network is told: the public page of the request, and its code."""

    url: str
    code: str


def deletion_url(account: ChannelAccount) -> str:
    """Where the network sends such requests to; "" where it sends none, or the house has no public address."""
    manifest = manifest_of(account.network)
    base = company.public_url()
    if not base or manifest is None or "deletion_requests" not in manifest.capabilities:
        return ""
    return f"{base}/hooks/{account.pk}/deletion/"


def deletion_receive(
    account_id: uuid.UUID,
    *,
    headers: Mapping[str, str],
    body: bytes,
    url: str,
    take: Callable[[WhoAsks], Told],
) -> HookAnswer:
    """Take one such request; `take` is called for one whose signature holds, and must be durable when it returns.

    404 for an account that takes none (or is none), 401 for a forged one, 400 for one that can't be understood. A channel
    that is paused takes them too: a pause of ours takes nobody's right away.
    """
    account = ChannelAccount.objects.filter(pk=account_id).exclude(state=ChannelAccount.State.REMOVED).first()
    if account is None or gateway.is_simulated(account) or not company.public_url():
        return HookAnswer(404)
    try:
        connector = gateway.connector_for(account)
    except gateway.ChannelError:
        return HookAnswer(404)
    if not isinstance(connector, AnswersDeletionRequests):
        return HookAnswer(404)
    request = WebhookRequest("POST", {k.lower(): v for k, v in headers.items()}, {}, body, url)
    try:
        asked = connector.deletion_asked(request, now=now())
    except ConnectorError as error:
        return refusal(error, account)
    told = take(WhoAsks(account, asked.realm, asked.external_id, asked.issued_at))
    answer = connector.deletion_answer(url=told.url, code=told.code)
    return HookAnswer(answer.status, answer.body, answer.content_type)
