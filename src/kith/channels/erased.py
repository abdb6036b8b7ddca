"""People who were erased are not brought back by old mail: what a mailbox holds from before, and what a file holds at all.

Whoever writes to us after their erasure is received like anybody else. So what counts in a mailbox is when a message was
written or came (the later of the two): a mailbox that is connected or numbered anew brings what is older than the erasure,
and that stays out. A file of mail is somebody's import, whatever dates it bears.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from kith.channels.models import RawItem
from kith.connectors.contract import MessageReceived, Party
from kith.contacts.services import erased_among
from kith.contacts.types import IdentityKey
from kith.core import blobs
from kith.core.sweep import unnamed
from kith.networks.models import ChannelAccount

IMPORTED = "import:"  # how the folder of an imported mail begins
NOT_BROUGHT_BACK = "not taken in: they asked to be erased"
LIVE = timedelta(days=1)  # what comes this soon after it was written is news, however it crossed an erasure
Waiting = tuple[RawItem, MessageReceived]


def erased_keep_out(account: ChannelAccount, waiting: Sequence[Waiting]) -> list[Waiting]:
    """Those that may come in, without the parties who were erased; of the others the bytes are dropped, and that is noted."""
    old = {id(event) for raw, event in waiting if _is_old(account, raw, event)}
    keys = {
        _key(account, party)
        for _, event in waiting
        if id(event) in old
        for party in event.parties
        if party.external_id and not party.is_us
    }
    erased = erased_among(keys) if keys else {}
    if not erased:
        return list(waiting)
    passed: list[Waiting] = []
    for raw, event in waiting:
        outside = [p for p in event.parties if not p.is_us]
        gone = [p for p in outside if _is_gone(raw, event, erased.get(_key(account, p)))]
        if id(event) not in old or not gone:
            passed.append((raw, event))
        elif len(gone) < len(outside) and not any(p.role in ("from", "sender") for p in gone):
            passed.append((raw, replace(event, parties=tuple(p for p in event.parties if p not in gone))))
            _drop_bytes(raw)
        else:
            raw.error = NOT_BROUGHT_BACK
            _drop_bytes(raw)
            if _imported(
                raw
            ):  # nobody fetches it again; and where they may come back one day, the file brings it
                RawItem.objects.filter(pk=raw.pk).delete()
    return passed


def kept_out(account: ChannelAccount) -> int:
    """How many messages of a mailbox were not taken in for this reason."""
    return RawItem.objects.filter(channel_account=account, error=NOT_BROUGHT_BACK).count()


def _is_old(account: ChannelAccount, raw: RawItem, event: MessageReceived) -> bool:
    return _imported(raw) or event.at < account.history_until or _latest(raw, event) < raw.created_at - LIVE


def _is_gone(raw: RawItem, event: MessageReceived, erased_at: datetime | None) -> bool:
    return erased_at is not None and (_imported(raw) or _latest(raw, event) < erased_at)


def _latest(raw: RawItem, event: MessageReceived) -> datetime:
    """When it was written or came; what comes from outside may lie about the first."""
    return max(event.at, raw.at or event.at)


def _imported(raw: RawItem) -> bool:
    return str(raw.meta.get("folder", "")).startswith(IMPORTED)


def _key(account: ChannelAccount, party: Party) -> IdentityKey:
    return party.network or account.network, party.realm, party.external_id


def _drop_bytes(raw: RawItem) -> None:
    RawItem.objects.filter(pk=raw.pk).update(body=None, meta={}, size=0, error=raw.error)
    if raw.body is None:
        transaction.on_commit(lambda: _remove_unnamed(raw.digest))


def _remove_unnamed(digest: str) -> None:
    for key in unnamed([digest]):
        blobs.remove(key)
