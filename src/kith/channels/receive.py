"""From the wire to rows: raw bytes first and durable, then parsed in a capped child, then recorded (law 2)."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError, connection, transaction

from kith.base.clock import now
from kith.base.ids import new_id
from kith.base.text import clean, clean_value
from kith.channels import gateway
from kith.channels.apply import Understood, events_apply
from kith.channels.limits import words_of
from kith.channels.models import Cursor, RawItem
from kith.channels.parser import Parsed, Parser
from kith.connectors.contract import MessageReceived
from kith.connectors.contract import RawItem as WireItem
from kith.conversations.models import Attachment
from kith.core import audit, blobs, sql
from kith.core.objects import objects
from kith.core.rows import copy
from kith.networks.models import ChannelAccount, ChannelHealth

log = logging.getLogger(__name__)
IN_ROW = 256 * 1024
BATCH = 200
# A batch ends early when its items are slow or large, so that it neither holds the others up nor fills the memory.
BATCH_SECONDS = 20.0
BATCH_BYTES = 32 * 1024 * 1024
# Items that go to the parser together.
GROUP, GROUP_BYTES = 16, 256 * 1024
RAW_CHANNEL = "kith_raw"
_STORED = """
SELECT external_id, digest FROM channels_rawitem
WHERE channel_account_id = %(account)s AND external_id = ANY (%(ids)s::text[])
"""
_COLUMNS = (
    "id", "created_at", "channel_account_id", "external_id", "digest", "body", "size", "at", "meta", "state", "attempts",
    "error", "parsed_at",
)  # fmt: skip
_WAITING = "r.channel_account_id = %(account)s AND r.state = 'new' ORDER BY r.id LIMIT %(most)s"
_DONE = """
UPDATE channels_rawitem r SET state = n.state, error = n.error, attempts = n.attempts, parsed_at = %(now)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(errors)s::text[], %(attempts)s::int[]) AS n (id, state, error, attempts)
WHERE r.id = n.id
"""
# What no item is to blame for: it waits until that is over.
NOT_ITS_FAULT = (OperationalError, InterfaceError, blobs.StoreFull)


def raw_items_store(
    account: ChannelAccount, items: Sequence[WireItem], *, cursor: str | None = None, stream: str = "fetch"
) -> int:
    """Store raw items and move the cursor in one transaction; what is stored already is passed over. Returns how many
    were new. When this returns, they are durable and may be acknowledged.
    """
    rows = {(r.external_id, r.digest): r for r in (_stored(item) for item in items)}
    moment = now()
    with transaction.atomic():
        # Two webhooks that bring the same item at once: the second sees what the first has stored.
        sql.rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))", [f"store:{account.pk}"])
        given = {"account": account.pk, "ids": list({key[0] for key in rows})}
        before = set(sql.prepared(_STORED, given))
        new = [row for key, row in rows.items() if key not in before]
        copy(RawItem, _COLUMNS, [(new_id(), moment, account.pk, *row, "new", 0, "", None) for row in new])
        if cursor is not None:
            Cursor.objects.update_or_create(
                channel_account=account, stream=stream, defaults={"position": cursor}
            )
        if new:
            ChannelHealth.objects.update_or_create(channel_account=account, defaults=_came(account, new))
            with connection.cursor() as cursor_:
                cursor_.execute("SELECT pg_notify(%s, %s)", [RAW_CHANNEL, str(account.pk)])
    return len(new)


class _Stored(NamedTuple):
    """The columns of a raw item that come from outside."""

    external_id: str
    digest: str
    body: bytes | None
    size: int
    at: datetime | None
    meta: dict[str, Any]


def _came(account: ChannelAccount, rows: Sequence[_Stored]) -> dict[str, Any]:
    """What health says of what has just come: when, and how old the newest of it was already (history says nothing)."""
    moment = now()
    newest = max((row.at for row in rows if row.at and row.at >= account.history_until), default=None)
    lag = max(0, int((moment - newest).total_seconds())) if newest else None
    return {"last_item_at": moment, **({"lag_seconds": min(lag, 2**31 - 1)} if lag is not None else {})}


def _stored(item: WireItem) -> _Stored:
    digest = hashlib.sha256(item.body).hexdigest()
    large = len(item.body) > IN_ROW
    if large:
        blobs.put(item.body)
    meta = clean_value(json.loads(json.dumps(dict(item.meta), default=str))) if item.meta else {}
    external_id = clean(item.external_id)[:1000] or f"sha256:{digest}"
    return _Stored(external_id, digest, None if large else item.body, len(item.body), item.at, meta)


def body_of(raw: RawItem) -> bytes:
    return bytes(raw.body) if raw.body is not None else blobs.read(raw.digest)


def cursor_of(account: ChannelAccount, stream: str = "fetch") -> str:
    position = (
        Cursor.objects.filter(channel_account=account, stream=stream)
        .values_list("position", flat=True)
        .first()
    )
    return position or ""


def accounts_waiting() -> list[uuid.UUID]:
    """Channel accounts with items that wait to be parsed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id FROM networks_channelaccount a WHERE EXISTS (SELECT 1 FROM channels_rawitem r "
            "WHERE r.channel_account_id = a.id AND r.state = 'new')"
        )
        return [row[0] for row in cursor.fetchall()]


def raw_items_parse(account_id: uuid.UUID, parser: Parser, *, limit: int = BATCH) -> int:
    """Parse and record the oldest waiting items of one account, in order. Returns how many were dealt with.

    One process at a time works on an account. A batch that can't be recorded is tried again one by one, so that a
    poisonous item is set aside, visibly, and the next one still arrives.
    """
    with transaction.atomic():
        if not _lock_account(account_id):
            return 0
        account = ChannelAccount.objects.select_related("scope").get(pk=account_id)
        waiting = objects(RawItem, _WAITING, {"account": account.pk, "most": limit})
        if not waiting:
            return 0
        try:
            parsed = _parse_batch(account, waiting, parser)
            _record_batch(account, parsed)
        finally:
            parser.sweep()
    return len(parsed)


def _parse_batch(
    account: ChannelAccount, waiting: Sequence[RawItem], parser: Parser
) -> list[tuple[RawItem, Parsed]]:
    parsed: list[tuple[RawItem, Parsed]] = []
    until, size = time.monotonic() + BATCH_SECONDS, 0
    who: dict[str, Any] = {
        "network": gateway.connector_name(account),
        "settings": gateway.parse_settings(account),
        "own": gateway.own_identity(account),
    }
    while len(parsed) < len(waiting):
        for raw, result in _parse_group(waiting[len(parsed) : len(parsed) + GROUP], parser, who):
            if result.problem == "no_room":
                raise blobs.StoreFull(f"There is no room in {parser.folder.parent}: {result.error}")
            parsed.append((raw, result))
            size += sum(_size(e) for e in result.events if isinstance(e, MessageReceived))
        if size > BATCH_BYTES or time.monotonic() > until:
            break
    return parsed


def _size(event: MessageReceived) -> int:
    return len(event.text) + len(event.html) + sum(len(m.content) for m in event.media if m.content)


def _parse_group(
    waiting: Sequence[RawItem], parser: Parser, who: Mapping[str, Any]
) -> list[tuple[RawItem, Parsed]]:
    """The first of these items, one at least, with what they mean."""
    items: list[WireItem] = []
    size = 0
    for raw in waiting:
        if items and size + raw.size > GROUP_BYTES:
            break
        size += raw.size
        try:
            body = body_of(raw)
        except OSError as error:
            if not items:
                return [(raw, Parsed(problem="crash", error=f"its bytes are missing: {error}"))]
            break
        items.append(WireItem(external_id=raw.external_id, body=body, at=raw.at, meta=raw.meta))
    return list(zip(waiting, parser.parse(**who, items=items), strict=False))


def _record_batch(account: ChannelAccount, parsed: Sequence[tuple[RawItem, Parsed]]) -> None:
    try:
        with transaction.atomic():
            _record(account, parsed)
    except NOT_ITS_FAULT:
        raise  # the database is away, or the disk is full: all of it is tried again
    except Exception:
        log.exception("a batch of %s items of %s could not be recorded together", len(parsed), account.name)
        for raw, result in parsed:
            _record_one(account, raw, result)


def _lock_account(account_id: uuid.UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 1))", [f"parse:{account_id}"])
        return bool(cursor.fetchone()[0])


def _record(account: ChannelAccount, parsed: Sequence[tuple[RawItem, Parsed]]) -> None:
    understood = [Understood(raw, _visible(account, raw, result)) for raw, result in parsed]
    events_apply(account, understood)
    moment = now()
    for raw, result in parsed:
        raw.state = RawItem.State.SET_ASIDE if result.problem else RawItem.State.DONE
        raw.error = clean(f"{result.problem}: {result.error}")[:2000] if result.problem else raw.error
        raw.attempts += 1
        raw.parsed_at = moment
    sql.prepared_run(
        _DONE,
        {
            "now": moment,
            "ids": [raw.id for raw, _ in parsed],
            "states": [str(raw.state) for raw, _ in parsed],
            "errors": [raw.error for raw, _ in parsed],
            "attempts": [raw.attempts for raw, _ in parsed],
        },
    )


def _record_one(account: ChannelAccount, raw: RawItem, result: Parsed) -> None:
    try:
        with transaction.atomic():
            _record(account, [(raw, result)])
    except NOT_ITS_FAULT:
        raise
    except Exception as error:
        log.exception("item %s of %s is set aside", raw.external_id, account.name)
        told = Parsed(problem="crash", error=f"{type(error).__name__}: {words_of(error, account)}")
        try:
            with transaction.atomic():
                _record(account, [(raw, told)])
        except NOT_ITS_FAULT:
            raise
        except Exception:
            # Not even a message that says so: it stands among the channel's items that are set aside, with a retry.
            log.exception("item %s of %s has no message", raw.external_id, account.name)
            RawItem.objects.filter(pk=raw.pk).update(
                state=RawItem.State.SET_ASIDE, error=clean(told.error)[:2000], parsed_at=now()
            )


def _visible(account: ChannelAccount, raw: RawItem, result: Parsed) -> Sequence[Any]:
    """The events; for an item that could not be read, a message that says so, with what could be saved."""
    if not result.problem:
        return result.events
    text = body_of(raw)[:4000].decode("utf-8", "replace") if blobs_or_row(raw) else ""
    return (
        MessageReceived(
            external_id=f"unreadable:{raw.digest}",
            at=raw.at or raw.created_at,
            parties=(),
            text=text,
            unreadable=result.error or result.problem,
        ),
    )


def blobs_or_row(raw: RawItem) -> bool:
    return raw.body is not None or blobs.exists(raw.digest)


@transaction.atomic
def raw_item_delete(raw: RawItem) -> None:
    """Forget the bytes of an item that was set aside. Its row stays, so that it is not fetched and set aside again."""
    if raw.body is None and not Attachment.objects.filter(digest=raw.digest).exists():
        others = RawItem.objects.filter(digest=raw.digest, body=None).exclude(pk=raw.pk)
        if not others.exists():
            transaction.on_commit(lambda: blobs.remove(raw.digest))
    raw.state, raw.error, raw.body = RawItem.State.DONE, "deleted by hand", b""
    raw.save(update_fields=["state", "error", "body"])
    audit.record(
        "raw_item_deleted", "channel_account", raw.channel_account_id, external_id=raw.external_id[:200]
    )


def raw_item_retry(raw: RawItem) -> None:
    """Parse an item that was set aside once more (after an upgrade, say)."""
    raw.state, raw.error = RawItem.State.NEW, ""
    raw.save(update_fields=["state", "error"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [RAW_CHANNEL, str(raw.channel_account_id)])
