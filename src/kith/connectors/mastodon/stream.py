"""The live stream (server-sent events): what was missed first, then what comes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import httpx

from kith.base import http
from kith.connectors import answers
from kith.connectors.contract import BadPayload, NotSupported, RawItem, Refused, RetryLater, Setup
from kith.connectors.mastodon.ids import full_acct, id_of
from kith.connectors.mastodon.poll import Cursor, Poller, deleted, item_of, newest_of
from kith.connectors.words import say

# the server says something at least every fifteen seconds
SILENCE = 60.0
MAX_EVENT = 4 * 1024 * 1024
AGAIN = 5.0


def stream(
    setup: Setup, *, addresses: Sequence[str], token: str, poller: Poller, cursor: str, acct: str, domain: str
) -> Iterator[RawItem]:
    """Items with their cursor, until the connection ends; then RetryLater. NotSupported where there is no stream."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    try:
        with ExitStack() as stack:
            client = stack.enter_context(setup.http(headers=headers))
            response = _connected(client, addresses, stack)
            _opened(response)
            # the stream is open before the lists are read, so that nothing falls between the two
            place = cursor
            more = True
            while more:
                page = poller.fetch(place, limit=40)
                place, more = page.cursor, page.more
                for number, item in enumerate(page.items, 1):
                    # only the page's last item may carry the page's cursor: the process can die after any of them
                    yield _at(item, place if number == len(page.items) else "")
            now = Cursor.read(place)
            for event, data in _events(response.iter_lines()):
                found = _item(event, data, poller=poller, cursor=now, ours=acct, domain=domain)
                if found is not None:
                    yield _at(found, now.text())
    except http.AddressRefused as error:
        raise Refused(str(error), field="server") from None
    except httpx.HTTPError as error:
        raise RetryLater(
            say("The stream was cut ({problem}).", problem=type(error).__name__), after=AGAIN
        ) from None
    raise RetryLater(say("The server ended the stream."), after=AGAIN)


def _connected(client: httpx.Client, addresses: Sequence[str], stack: ExitStack) -> httpx.Response:
    """Of the first address that can be reached: some servers tell one for the stream at which nobody listens."""
    for number, address in enumerate(addresses, 1):
        url, timeout = f"{address}/api/v1/streaming/user", httpx.Timeout(SILENCE, connect=10.0)
        try:
            return stack.enter_context(client.stream("GET", url, timeout=timeout))
        except httpx.ConnectError:
            if number == len(addresses):
                raise
    raise NotSupported(say("There is no address to ask for a stream."))


def _opened(response: httpx.Response) -> None:
    if response.status_code in (404, 405, 406, 410, 501):
        raise NotSupported(say("This server has no live stream; it is asked every 15 seconds instead."))
    if not response.is_success:
        response.read()
        raise answers.error_of(response, credential_field="access_token", address_field="server")
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        raise NotSupported(say("This server answers with something that is no stream."))


def _at(item: RawItem, cursor: str) -> RawItem:
    return RawItem(item.external_id, item.body, item.at, item.meta, cursor)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """(event, data) of a stream of server-sent events; comments are the server's heartbeat."""
    data: list[str] = []
    event, size = "", 0
    for line in lines:
        if not line:
            if data:
                yield event, "\n".join(data)
            event, data, size = "", [], 0
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "data":
            size += len(value)
            if size <= MAX_EVENT:
                data.append(value)


def _item(event: str, data: str, *, poller: Poller, cursor: Cursor, ours: str, domain: str) -> RawItem | None:
    if event == "delete":
        raw_id = data.strip().strip('"')
        cursor.watched = [one for one in cursor.watched if one[0] != raw_id]
        return deleted(raw_id) if raw_id and len(raw_id) <= 500 else None
    if event not in ("notification", "conversation", "status.update", "status_update", "update"):
        return None
    body = _object(data)
    try:
        return (
            _meant(event, body, poller, cursor, ours, domain)
            if body is not None
            else _unreadable(event, data)
        )
    except BadPayload:
        return _unreadable(event, data)


def _unreadable(event: str, data: str) -> RawItem:
    """Kept as it came: `parse` says what is wrong with it, and a person sees that."""
    body = data.encode("utf-8", "replace")
    return RawItem(
        f"stream:{hashlib.sha256(body).hexdigest()[:32]}", body, meta={"as": "notification", "event": event}
    )


def _meant(
    event: str, body: dict[str, Any], poller: Poller, cursor: Cursor, ours: str, domain: str
) -> RawItem | None:
    if event == "notification":
        return _notification(body, poller, cursor)
    if event == "conversation":
        status = body.get("last_status")
        return _status(status, poller, cursor) if isinstance(status, dict) else None
    if event in ("status.update", "status_update"):
        return _status(body, poller, cursor) if _concerns(body, cursor, ours, domain) else None
    if event == "update" and _is_ours(body.get("account"), ours, domain):
        return _status(body, poller, cursor) if body.get("in_reply_to_id") or body.get("mentions") else None
    return None


def _notification(body: dict[str, Any], poller: Poller, cursor: Cursor) -> RawItem:
    status = body.get("status")
    meta: dict[str, Any] = {}
    if body.get("type") in ("mention", "quote") and isinstance(status, dict):
        meta = poller.meta(status)
        cursor.watch(status)
    raw_id = id_of(body, "the notification")
    newest_of(cursor, "n", [raw_id])
    return item_of("notification", f"notification:{raw_id}", body, meta)


def _status(status: dict[str, Any], poller: Poller, cursor: Cursor) -> RawItem:
    cursor.watch(status)
    return poller.status(status)


def _concerns(status: dict[str, Any], cursor: Cursor, ours: str, domain: str) -> bool:
    """Changes of posts in our timeline that nobody addressed to us are none of our business."""
    if _is_ours(status.get("account"), ours, domain):
        return True
    raw_id = id_of(status, "the post")
    if any(one[0] == raw_id for one in cursor.watched):
        return True
    mentions = status.get("mentions")
    return any(_is_ours(one, ours, domain) for one in (mentions if isinstance(mentions, list) else []))


def _is_ours(account: object, ours: str, domain: str) -> bool:
    return isinstance(account, dict) and full_acct(account, domain).lower() == ours.lower().lstrip("@")


def _object(data: str) -> dict[str, Any] | None:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
