"""The feed connector: polls a feed, or is told of news by a WebSub hub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from kith.base.clock import now
from kith.connectors import manifest as manifests
from kith.connectors.answers import payload
from kith.connectors.contract import (
    Asks,
    BadPayload,
    Event,
    Existences,
    MessageDeleted,
    MessageEdited,
    OwnIdentity,
    Page,
    RawItem,
    Refused,
    RetryLater,
    Setup,
    WebhookAnswer,
    WebhookRequest,
)
from kith.connectors.feeds import document, events, existence, fetching, websub
from kith.connectors.feeds.position import Position, short
from kith.connectors.manifest import Manifest
from kith.connectors.words import say

WHOLE_EVERY = 3600.0  # some servers' ETag ignores edits and replies, so ask without conditions now and then
TRY_HUB_AGAIN = 3600.0


class Connector:
    """One feed. Settings: `url` (a feed or a page), `which`, `callback_url`; secret: `websub_secret`."""

    manifest: ClassVar[Manifest] = manifests.of(__file__)
    asks: ClassVar[Asks] = existence.ASKS

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._url = setup.settings.get("url", "").strip()
        own = setup.own.realm if setup.own else ""
        self._pages = existence.Pages(setup.http, [own, events.realm_of(self._url)])

    def check(self) -> OwnIdentity:
        """Fetch and read the feed once; every error blames `url`."""
        if not self._url.startswith(("http://", "https://")):
            raise Refused(say("Give the address of a feed or a page, beginning with https://."), field="url")
        try:
            answer, read = self._read_at(Position(url=self._url), conditional=False)
        except BadPayload as error:
            raise BadPayload(str(error), field="url") from error
        if read is None:
            raise BadPayload(
                say("The site answers that nothing changed to one who never asked before."), field="url"
            )
        details = {
            "feed": answer.url,
            "entries": str(len(read.entries)),
            "hub": answer.hub or read.feed["hub"],
        }
        return OwnIdentity(
            external_id=answer.lasting_url,
            handle=answer.lasting_url,
            display_name=read.feed["title"] or events.realm_of(answer.url),
            realm=events.realm_of(read.feed["link"] or answer.url),
            details={key: value for key, value in details.items() if value},
        )

    def fetch(self, cursor: str, *, limit: int) -> Page:
        """New, changed and deleted entries, oldest first; the cursor remembers each one that was handed over."""
        position = Position.load(cursor, self._url)
        position.url = position.url or self._url
        instant = now().timestamp()
        conditional = not position.versions_lie and instant - position.whole_at < WHOLE_EVERY
        answer, read = self._read_at(position, conditional=conditional)
        position.url = answer.lasting_url
        if read is None:
            return Page(items=(), cursor=position.dump())
        items, more = self._news(read, position, limit)
        if not more:
            # The version is remembered only when all of it was handed over; otherwise the rest would be "not modified".
            digest = short((answer.body or b"").decode("latin-1"))
            if answer.etag and answer.etag == position.etag and digest != position.digest:
                position.versions_lie = True
            position.etag, position.modified, position.digest = answer.etag, answer.modified, digest
            position.whole_at = position.whole_at if conditional else instant
            self._keep_subscribed(position, answer, read, instant)
        return Page(items=tuple(items), cursor=position.dump(), more=more)

    def parse(self, item: RawItem) -> Sequence[Event]:
        """One event: the entry as a message, its edit, or its deletion."""
        try:
            data = payload(item.body)
            if data.get("deleted"):
                at = events.moment(data["at"], item.at or now())
                return [MessageDeleted(external_id=str(data["deleted"]), at=at)]
            received = events.message(data["feed"], data["entry"], item.at or now())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadPayload(say("The entry can't be read: {error}", error=repr(error))) from error
        if item.meta.get("edited"):
            at = events.moment(data["entry"]["updated"], item.at or now())
            return [
                MessageEdited(external_id=received.external_id, at=at, text=received.text, html=received.html)
            ]
        return [received]

    def existence(self, external_ids: Sequence[str], *, urls: Mapping[str, str] | None = None) -> Existences:
        """By the items' own pages: that one has left the feed says nothing."""
        return Existences(self._pages.existence(external_ids, urls or {}))

    # --- WebSub

    def challenge(self, request: WebhookRequest) -> WebhookAnswer | None:
        return websub.challenge(request, self._secret)

    def verify(self, request: WebhookRequest, *, now: datetime) -> None:
        """A push carries no time of its own; what is pushed twice has the same ids and changes nothing."""
        websub.verify(request, self._secret)

    def items(self, request: WebhookRequest) -> Sequence[RawItem]:
        """Every entry of the pushed document. Whether one is an edit is known to the poll alone, which follows."""
        read = document.read(
            request.body, url=self._url, content_type=request.headers.get("content-type", "")
        )
        return [_item(read, entry, edited=False) for entry in _oldest_first(read.entries)]

    def unsubscribe(self, cursor: str) -> None:
        """Tell the hub to stop; called when the channel is disconnected."""
        position = Position.load(cursor, self._url)
        callback = self._setup.settings.get("callback_url", "")
        if position.hub and callback and self._secret:
            self._ask_hub(position.hub, position.url, callback, mode="unsubscribe")

    # --- inner parts

    @property
    def _secret(self) -> str:
        return self._setup.secrets.get("websub_secret", "")

    def _read_at(
        self, position: Position, *, conditional: bool
    ) -> tuple[fetching.Answer, document.Document | None]:
        http = self._setup.http
        etag, modified = (position.etag, position.modified) if conditional else ("", "")
        answer = fetching.get(http, position.url, etag=etag, modified=modified)
        if answer.body is None:
            return answer, None
        if document.looks_like_page(answer.body):
            answer = fetching.get(http, self._feed_of_page(answer))
            if answer.body is None or document.looks_like_page(answer.body):
                raise BadPayload(
                    say("{url} is announced as a feed, but is a page.", url=answer.url), field="url"
                )
        body = answer.body or b""
        return answer, document.read(body, url=answer.url, content_type=answer.content_type)

    def _feed_of_page(self, answer: fetching.Answer) -> str:
        found = document.feed_links(answer.body or b"", answer.url)
        if not found:
            raise BadPayload(say("{url} is a page that names no feed.", url=answer.url), field="url")
        comments = [url for url, title in found if "comment" in f"{url} {title}".lower()]
        posts = [url for url, title in found if url not in comments]
        wanted, other = (
            (comments, posts) if self._setup.settings.get("which") == "comments" else (posts, comments)
        )
        return (wanted or other)[0]

    def _news(self, read: document.Document, position: Position, limit: int) -> tuple[list[RawItem], bool]:
        since = self._setup.history_since
        items: list[RawItem] = []
        present: set[str] = set()
        for entry in _oldest_first(read.entries):
            key, digest = short(entry["id"]), document.content_hash(entry)
            present.add(key)
            known = position.seen.get(key)
            if known == digest:
                continue
            if known is None and since and entry["at"] and events.moment(entry["at"], since) < since:
                position.seen[key] = digest
                continue
            if len(items) >= limit:
                return items, True
            # An entry that changes goes to the end, so that the oldest knowledge is the first to be forgotten.
            position.seen.pop(key, None)
            position.seen[key] = digest
            items.append(_item(read, entry, edited=known is not None))
        for gone in read.deleted:
            key = short(gone["id"])
            present.add(key)
            if position.seen.get(key) in (None, "deleted"):
                continue
            if len(items) >= limit:
                return items, True
            position.seen[key] = "deleted"
            body = json.dumps({"deleted": gone["id"], "at": gone["at"]}).encode()
            items.append(RawItem(external_id=f"{gone['id']}#deleted", body=body, at=now()))
        position.forget_gone(present)
        return items, False

    def _keep_subscribed(
        self, position: Position, answer: fetching.Answer, read: document.Document, instant: float
    ) -> None:
        hub = answer.hub or read.feed["hub"]
        callback = self._setup.settings.get("callback_url", "")
        if not hub.startswith(("http://", "https://")) or not callback or not self._secret:
            return
        if hub == position.hub and instant < position.lease_until:
            return
        position.hub = hub
        try:
            self._ask_hub(hub, answer.self_url or read.feed["self"] or answer.url, callback)
            position.lease_until = instant + websub.LEASE_SECONDS / 2
        except RetryLater:
            # Polling goes on without the hub.
            position.lease_until = instant + TRY_HUB_AGAIN

    def _ask_hub(self, hub: str, topic: str, callback: str, *, mode: str = "subscribe") -> None:
        websub.ask(self._setup.http, hub=hub, topic=topic, callback=callback, secret=self._secret, mode=mode)


def _oldest_first(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # Feeds are newest first as a rule; that order decides between entries of the same second, or without a time.
    ascending = bool(entries) and entries[0]["at"] < entries[-1]["at"]
    ordered = entries if ascending else entries[::-1]
    return sorted(ordered, key=lambda entry: entry["at"] or "9")


def _item(read: document.Document, entry: dict[str, Any], *, edited: bool) -> RawItem:
    body = json.dumps({"feed": read.feed, "entry": entry}, ensure_ascii=False).encode("utf-8", "replace")
    external_id = f"{entry['id']}#{document.content_hash(entry)}" if edited else entry["id"]
    return RawItem(
        external_id=external_id,
        body=body,
        at=now().astimezone(UTC),
        meta={"edited": edited, "feed": read.feed["url"]},
    )
