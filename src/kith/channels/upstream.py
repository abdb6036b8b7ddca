"""The daily check of what we keep, for networks that tell nobody of a deletion: is it still there?

Each hour a part, so that a network is never asked much at once; a round over all of it begins once a day. Who is not sure
deletes nothing: only "gone" counts at once, "missing" on the third day on which it was said, and what a network leaves
unanswered not at all.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from datetime import date

import httpx
from django.db import transaction

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.deletions import messages_gone
from kith.channels.limits import words_of
from kith.channels.models import Cursor
from kith.connectors.contract import ChecksExistence, ConnectorError, Existence
from kith.conversations.models import Message
from kith.core.jobs import job
from kith.networks.models import ChannelAccount

log = logging.getLogger(__name__)
STREAM = "existence"
PART = 50  # asked in one call of the connector
PARTS_AN_HOUR = 20  # for each account: 24,000 messages a day
LEAST_BUDGET = 50  # calls that are left to reading and answering
MISSES = 3


@job("channels.upstream_check", every="37 * * * *")
def upstream_check() -> None:
    """Ask networks whether what we keep of them is still there."""
    for account in ChannelAccount.objects.filter(state=ChannelAccount.State.ACTIVE).order_by("pk"):
        try:
            account_check(account)
        except (ConnectorError, gateway.ChannelError, OSError, httpx.HTTPError) as error:
            log.warning("the check of %s waits: %s", account.name, words_of(error, account))


def account_check(account: ChannelAccount, *, parts: int = PARTS_AN_HOUR) -> list[uuid.UUID]:
    """Check the next part of this day's round; returns the ids of messages that turned out to be gone."""
    connector = gateway.connector_for(account)
    if not isinstance(connector, ChecksExistence):
        return []
    gone: list[uuid.UUID] = []
    for rows in _waiting(account, parts):
        said = connector.existence([external_id for _key, external_id in rows])
        with transaction.atomic():
            for key, external_id in rows:
                if _is_gone(key, said.found.get(external_id)):
                    gone += messages_gone([Message.objects.get(pk=key)], at=now())
            _at(account, f"{now().date()}:{rows[-1][0]}")
        left = said.budget.remaining
        if left is not None and left < LEAST_BUDGET:
            break
    return gone


def _waiting(account: ChannelAccount, parts: int) -> Iterator[list[tuple[uuid.UUID, str]]]:
    """Parts of what others said there in public and is still kept, oldest first, from where this day's round is."""
    begun, _colon, last = _position(account).partition(":")
    after = uuid.UUID(last) if last and begun == str(now().date()) else None
    for _part in range(parts):
        found = Message.objects.filter(
            copies__channel_account=account,
            network=account.network,
            direction=Message.Direction.IN,
            visibility="public",
            deleted_upstream_at=None,
        )
        if after is not None:
            found = found.filter(pk__gt=after)
        rows = list(found.order_by("pk").values_list("pk", "external_id").distinct()[:PART])
        if not rows:
            return
        after = rows[-1][0]
        yield rows


def _position(account: ChannelAccount) -> str:
    row = Cursor.objects.filter(channel_account=account, stream=STREAM).first()
    return row.position if row else ""


def _at(account: ChannelAccount, position: str) -> None:
    Cursor.objects.update_or_create(channel_account=account, stream=STREAM, defaults={"position": position})


def _is_gone(key: uuid.UUID, said: Existence | None) -> bool:
    """Whether that was enough. Days on which a message was missing are kept with it, and forgotten when it is seen again."""
    if said is None:
        return False
    message = Message.objects.select_for_update().get(pk=key)
    missed: list[str] = list(message.extra.get("missing_on", ()))
    if said == "gone":
        return True
    if said == "missing":
        days = sorted({*missed, date.isoformat(now().date())})
        if len(days) >= MISSES:
            return True
    else:
        days = []
    if days != missed:
        message.extra = {name: value for name, value in message.extra.items() if name != "missing_on"}
        if days:
            message.extra["missing_on"] = days
        message.save(update_fields=["extra"])
    return False
