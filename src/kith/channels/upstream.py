"""The daily check of what we keep, for networks that tell nobody of a deletion: is it still there?

Each hour a part, so that a network is never asked much at once; a round over all of it begins once a day. Who is not sure
deletes nothing: only "gone" counts at once, "missing" on the third day on which it was said, and what a network leaves
unanswered not at all.
"""

from __future__ import annotations

import logging
import uuid
from datetime import date, timedelta

import httpx
from django.db import transaction

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.deletions import messages_gone
from kith.channels.limits import words_of
from kith.channels.models import Cursor
from kith.connectors.contract import Asks, ChecksExistence, ConnectorError, Existence
from kith.conversations.models import Message
from kith.core.jobs import job
from kith.networks.models import ChannelAccount

log = logging.getLogger(__name__)
STREAM = "existence"
LEAST_BUDGET = 50  # calls that are left to reading and answering
MISSES = 3
DONE = "done"
Asked = tuple[uuid.UUID, str, str]  # our key, the network's id, the page on which people read it


@job("channels.upstream_check", every="37 * * * *")
def upstream_check() -> None:
    """Ask networks whether what we keep of them is still there."""
    for account in ChannelAccount.objects.filter(state=ChannelAccount.State.ACTIVE).order_by("pk"):
        try:
            account_check(account)
        except (ConnectorError, gateway.ChannelError, OSError, httpx.HTTPError) as error:
            log.warning("the check of %s waits: %s", account.name, words_of(error, account))
        except Exception:  # what one site says must not keep the others from being asked
            log.exception("the check of %s failed", account.name)


def account_check(account: ChannelAccount) -> list[uuid.UUID]:
    """Check the next part of this account's round; returns the ids of messages that turned out to be gone."""
    connector = gateway.connector_for(account)
    if not isinstance(connector, ChecksExistence):
        return []
    gone: list[uuid.UUID] = []
    begun, rounds = _round(account), max(connector.asks.an_hour // connector.asks.at_once, 1)
    if begun is None:
        return []
    day, after = begun
    for _part in range(rounds):
        rows = _waiting(account, connector.asks, after)
        if not rows:
            _at(account, f"{day}:{DONE}")
            break
        said = connector.existence(
            [external_id for _key, external_id, _url in rows],
            urls={external_id: url for _key, external_id, url in rows if url},
        )
        after = rows[-1][0]
        with transaction.atomic():
            for key, external_id, _url in rows:
                if _is_gone(key, said.found.get(external_id)):
                    gone += messages_gone([Message.objects.get(pk=key)], at=now())
            _at(account, f"{day}:{after}")
        left = said.budget.remaining
        if left is not None and left < LEAST_BUDGET:
            break
    return gone


def _round(account: ChannelAccount) -> tuple[date, uuid.UUID | None] | None:
    """The day on which the round began that is under way, and the last message of it; None: the next begins tomorrow.

    A round that takes longer than a day is brought to its end first, so that what came last is asked about, too.
    """
    today = now().date()
    begun, _colon, last = _position(account).partition(":")
    if not begun or not last or (last == DONE and begun != str(today)):
        return today, None
    return None if last == DONE else (date.fromisoformat(begun), uuid.UUID(last))


def _waiting(account: ChannelAccount, asks: Asks, after: uuid.UUID | None) -> list[Asked]:
    """What others said there in public and is still kept, oldest first."""
    found = Message.objects.filter(
        copies__channel_account=account,
        network=account.network,
        direction=Message.Direction.IN,
        visibility="public",
        deleted_upstream_at=None,
    )
    if asks.days:
        found = found.filter(received_at__gte=now() - timedelta(days=asks.days))
    if after is not None:
        found = found.filter(pk__gt=after)
    return list(found.order_by("pk").values_list("pk", "external_id", "url").distinct()[: asks.at_once])


def _position(account: ChannelAccount) -> str:
    row = Cursor.objects.filter(channel_account=account, stream=STREAM).first()
    return row.position if row else ""


def _at(account: ChannelAccount, position: str) -> None:
    Cursor.objects.update_or_create(channel_account=account, stream=STREAM, defaults={"position": position})


def _is_gone(key: uuid.UUID, said: Existence | None) -> bool:
    """Whether that was enough. Days on which a message was missing are kept with it, and forgotten when it is seen again."""
    if said is None:
        return False
    message = Message.objects.select_for_update().filter(pk=key).first()
    if message is None:  # taken by a retention rule, or erased, meanwhile
        return False
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
