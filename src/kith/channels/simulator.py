"""Plays the customer: puts items into the same way in that real networks use."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache

from kith.base.clock import now
from kith.base.ids import new_id
from kith.channels.listening import posts_take
from kith.channels.parser import Parser
from kith.channels.receive import raw_items_parse, raw_items_store
from kith.connectors.contract import RawItem
from kith.core.secrets import decrypt, encrypt
from kith.networks.models import ChannelAccount

_SHOWN, _LASTS, _MOST = "simulator-notices", 600, 5  # as long as a code works


def play(
    account: ChannelAccount,
    *,
    sender_id: str,
    sender_name: str,
    text: str,
    handle: str = "",
    at: datetime | None = None,
    external_id: str = "",
    thread: str = "",
    public: bool = False,
    parse: bool = True,
    **rest: Any,
) -> str:
    """Receive one message as if a network had sent it; returns its external id."""
    item = _item(sender_id, sender_name, text, handle, at, external_id, thread, public=public, **rest)
    raw_items_store(account, [item])
    if parse:
        with Parser() as parser:
            while raw_items_parse(account.pk, parser):
                continue
    return item.external_id


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says in public, to nobody in particular."""

    sender_id: str
    sender_name: str
    text: str
    handle: str = ""
    at: datetime | None = None
    external_id: str = ""
    language: str = ""
    place: str = ""
    url: str = ""


def say_in_public(account: ChannelAccount, posts: Sequence[Said]) -> list[uuid.UUID]:
    """Others' posts as the network's search would bring them; returns the ids of what is new."""
    items = [
        _item(
            one.sender_id, one.sender_name, one.text, one.handle, one.at, one.external_id, "", public=True,
            language=one.language, url=one.url, extra={"place": one.place},
        )
        for one in posts
    ]  # fmt: skip
    return posts_take(account, items)


def _item(
    sender_id: str,
    sender_name: str,
    text: str,
    handle: str,
    at: datetime | None,
    external_id: str,
    thread: str,
    *,
    public: bool,
    **rest: Any,
) -> RawItem:
    key = external_id or f"sim-{new_id()}"
    moment = at or now()
    data = {
        "id": key,
        "at": moment.isoformat(),
        "from": {"id": sender_id, "name": sender_name, "handle": handle or sender_id, "verified": "network"},
        "text": text,
        "visibility": "public" if public else "private",
        **({"thread": thread} if thread else {}),
        **rest,
    }
    body = json.dumps({"type": "message.received", "timestamp": moment.isoformat(), "data": data}).encode()
    return RawItem(external_id=key, body=body, at=moment)


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail of Kith's own that a simulated mailbox took: where nothing leaves, it can be read nowhere else."""

    to: str
    subject: str
    text: str


def notice_keep(notice: Notice) -> None:
    """Show it on the simulator's page for ten minutes; kept encrypted, as it may let its reader in."""
    rows = [asdict(row) for row in (notice, *notices_kept())][:_MOST]
    cache.set(_SHOWN, base64.b64encode(encrypt(json.dumps(rows).encode())).decode(), _LASTS)


def notices_kept() -> list[Notice]:
    """The newest first."""
    kept = cache.get(_SHOWN)
    return [Notice(**row) for row in json.loads(decrypt(base64.b64decode(kept)))] if kept else []
