"""Public posts of others: asked of a network by its search, or handed over by whoever plays it, and read in the capped child."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
from django.db.models import QuerySet

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.limits import words_of
from kith.channels.parser import Parser
from kith.channels.tokens import tokens_fresh
from kith.connectors.contract import (
    ConnectorError,
    Event,
    Listens,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    RawItem,
    ReconnectNeeded,
    RetryLater,
)
from kith.conversations.services.posts import posts_edit, posts_gone_upstream, posts_record
from kith.conversations.types import PostSeen
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of

AT_ONCE = 16
KEPT_BYTES = 64 * 1024
PAUSES = (60.0, 300.0, 900.0, 3600.0)


class SearchFailed(Exception):
    """A network did not answer: why, in words, and after how many seconds to ask again."""

    def __init__(self, message: str, *, after: float) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of a search: what stood on it, and where the next one begins. `budget`: calls that are left, if it is said."""

    items: tuple[RawItem, ...]
    position: str
    more: bool
    budget: int | None


def searching_accounts() -> QuerySet[ChannelAccount]:
    """Accounts whose network can be searched."""
    found = {
        network
        for network in ChannelAccount.objects.values_list("network", flat=True).distinct()
        if (manifest := manifest_of(network)) is not None and "listens" in manifest.capabilities
    }
    rows = ChannelAccount.objects.filter(network__in=found, state=ChannelAccount.State.ACTIVE)
    return rows.exclude(settings__has_key="simulated").order_by("pk")


def search(
    account: ChannelAccount, words: str, position: str, *, limit: int = 50, failures: int = 0
) -> Answer:
    """Ask for the next page, outside of any transaction. Raises SearchFailed."""
    again = PAUSES[min(failures, len(PAUSES) - 1)]
    try:
        account = tokens_fresh(account)
        connector = gateway.connector_for(account)
        if not isinstance(connector, Listens):
            raise SearchFailed("", after=PAUSES[-1])
        page = connector.search(words, position, limit=limit)
    except RetryLater as error:
        raise SearchFailed(words_of(error, account), after=max(error.after, again)) from error
    except ReconnectNeeded as error:
        raise SearchFailed(words_of(error, account), after=PAUSES[-1]) from error
    except (ConnectorError, gateway.ChannelError, OSError, httpx.HTTPError) as error:
        raise SearchFailed(words_of(error, account), after=again) from error
    return Answer(page.items, page.cursor, page.more, page.budget.remaining)


def posts_take(account: ChannelAccount, items: Sequence[RawItem]) -> list[uuid.UUID]:
    """Store what these items say in public, follow what was changed or deleted; returns the ids of new and changed posts.

    An item that can't be read is passed over: it is nothing that anybody wrote to us.
    """
    with Parser() as parser:
        read = _read(account, items, parser)
    seen = [
        one
        for item, events in read
        for event in events
        if isinstance(event, MessageReceived) and (one := _seen(account, item, event)) is not None
    ]
    ids = posts_record(seen)
    edits = {e.external_id: e.text for _, events in read for e in events if isinstance(e, MessageEdited)}
    if edits:
        ids += posts_edit(account.network, edits, at=now())
    gone = [e.external_id for _, events in read for e in events if isinstance(e, MessageDeleted)]
    if gone:
        posts_gone_upstream(account.network, gone, at=now())
    return list(dict.fromkeys(ids))


def _read(
    account: ChannelAccount, items: Sequence[RawItem], parser: Parser
) -> list[tuple[RawItem, Sequence[Event]]]:
    read: list[tuple[RawItem, Sequence[Event]]] = []
    while len(read) < len(items):
        part = items[len(read) : len(read) + AT_ONCE]
        parsed = parser.parse(
            network=gateway.connector_name(account),
            settings=gateway.parse_settings(account),
            own=gateway.own_identity(account),
            items=part,
        )
        read += [(item, one.events) for item, one in zip(part, parsed, strict=False)]
        parser.sweep()
    return read


def _seen(account: ChannelAccount, item: RawItem, event: MessageReceived) -> PostSeen | None:
    author = next((party for party in event.parties if party.role == "from"), None)
    if event.visibility != "public" or author is None or author.is_us or event.outgoing or not event.text:
        return None
    own = event.text if event.quote_at is None else event.text[: event.quote_at].rstrip()
    return PostSeen(
        network=account.network,
        external_id=event.external_id,
        published_at=_time(event.at),
        text=own or event.text,
        author_external_id=author.external_id,
        author_handle=author.handle,
        author_name=author.display_name,
        realm=author.realm,
        url=event.url,
        language=event.language.split("-")[0].lower(),
        place=str(event.extra.get("place", "")),
        raw=item.body if len(item.body) <= KEPT_BYTES else None,
    )


def _time(at: datetime) -> datetime:
    return min(at, now())
