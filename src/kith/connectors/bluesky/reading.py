"""What is new: notifications and search results, and what became of posts that were handed over lately.

The network tells nobody that a post was deleted or a handle changed, but by a firehose of everything; so the latest
`WATCHED` posts are looked at again, 25 at each poll, and what is gone, changed or renamed becomes an item.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from kith.base.clock import now
from kith.connectors.answers import moment
from kith.connectors.bluesky.walk import Entry, Reader, Walk
from kith.connectors.bluesky.xrpc import Xrpc, XrpcRefused
from kith.connectors.contract import BadPayload, Page, RawItem

POST = "app.bsky.feed.post"
WATCHED = 200
BATCH = 25  # the most that getPosts takes
PAGE = 50


@dataclass
class Position:
    """The cursor: the walk, and the watched posts as [uri, cid, handle of the author], oldest first."""

    walk: Walk = field(default_factory=Walk)
    watch: list[list[str]] = field(default_factory=list)
    turn: int = 0

    @classmethod
    def load(cls, cursor: str, since: datetime | None) -> Position:
        if not cursor:
            return cls(Walk(floor=since.timestamp() if since else 0.0))
        try:
            data = json.loads(cursor)
            return cls(Walk(**data["walk"]), data["watch"], data["turn"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadPayload("The position of this channel can't be read.") from error

    def dump(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


def notifications(xrpc: Xrpc, cursor: str, *, limit: int, since: datetime | None) -> Page:
    """The next items of the account: notifications first, then the changes to watched posts."""

    def read(address: str) -> tuple[list[Entry], str]:
        said = xrpc.get(
            "app.bsky.notification.listNotifications", _params(limit=min(limit, PAGE), cursor=address)
        )
        return [_entry(one, "indexedAt") for one in _list(said, "notifications")], str(
            said.get("cursor") or ""
        )

    return _page(xrpc, cursor, read, _notification_items, limit=limit, since=since)


def search(xrpc: Xrpc, query: str, cursor: str, *, limit: int, since: datetime | None) -> Page:
    """The next public posts that match; the posts found are watched like those of the account."""

    def read(address: str) -> tuple[list[Entry], str]:
        params = _params(q=query, sort="latest", limit=min(limit, PAGE), cursor=address)
        said = xrpc.get("app.bsky.feed.searchPosts", params)
        return [_entry(one, "indexedAt") for one in _list(said, "posts")], str(said.get("cursor") or "")

    return _page(xrpc, cursor, read, _search_items, limit=limit, since=since)


def posts(xrpc: Xrpc, uris: list[str]) -> dict[str, dict[str, Any]]:
    """Views of posts by URI; those that are gone are not in it."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(uris), BATCH):
        said = xrpc.get("app.bsky.feed.getPosts", {"uris": uris[start : start + BATCH]})
        found |= {str(view.get("uri")): view for view in _list(said, "posts")}
    return found


Maker = Callable[[Xrpc, list[Entry]], list[RawItem]]


def _page(xrpc: Xrpc, cursor: str, read: Reader, make: Maker, *, limit: int, since: datetime | None) -> Page:
    position = Position.load(cursor, since)
    try:
        entries, more = position.walk.step(read, limit=limit)
    except XrpcRefused:
        # The address of a page may expire; what is known still bounds a walk that begins anew.
        position = Position.load(cursor, since)
        if not position.walk.trail:
            raise
        position.walk.begin_anew()
        entries, more = position.walk.step(read, limit=limit)
    items = make(xrpc, entries)
    for entry in entries:
        if f"/{POST}/" in entry.key:
            author = entry.value.get("author") or {}
            position.watch.append(
                [entry.key, str(entry.value.get("cid") or ""), str(author.get("handle") or "")]
            )
    del position.watch[:-WATCHED]
    if not more and not items and position.watch:
        items = _changes(xrpc, position, limit)
    return Page(items=tuple(items), cursor=position.dump(), more=more, budget=xrpc.budget)


def _notification_items(xrpc: Xrpc, entries: list[Entry]) -> list[RawItem]:
    # A notification holds the record itself; pictures and quoted posts come only with the post's view.
    rich = [
        entry.key
        for entry in entries
        if f"/{POST}/" in entry.key and (entry.value.get("record") or {}).get("embed")
    ]
    views = posts(xrpc, rich) if rich else {}
    own = xrpc.session().did
    return [
        _raw(entry.key, {"notification": entry.value, "post": views.get(entry.key)}, at=entry.at, own=own)
        for entry in entries
    ]


def _search_items(xrpc: Xrpc, entries: list[Entry]) -> list[RawItem]:
    own = xrpc.session().did
    return [_raw(entry.key, {"post": entry.value}, at=entry.at, own=own) for entry in entries]


def _changes(xrpc: Xrpc, position: Position, limit: int) -> list[RawItem]:
    size = min(BATCH, limit)
    start = position.turn if position.turn < len(position.watch) else 0
    looked_at = position.watch[start : start + size]
    position.turn = start + size
    views = posts(xrpc, [uri for uri, _, _ in looked_at])
    own = xrpc.session().did
    instant = now()
    items: dict[str, RawItem] = {}

    def add(external_id: str, body: dict[str, Any]) -> bool:
        if external_id not in items and len(items) >= limit:
            return False
        items.setdefault(external_id, _raw(external_id, body, at=instant.timestamp(), own=own))
        return True

    for watched in looked_at:
        uri, cid, handle = watched
        view = views.get(uri)
        if view is None:
            if _is_gone(xrpc, uri) and add(f"{uri}#deleted", {"deleted": uri}):
                position.watch.remove(watched)
                position.turn = max(0, position.turn - 1)
            continue
        if cid and view.get("cid") != cid and add(f"{uri}#{view.get('cid')}", {"edited": True, "post": view}):
            watched[1] = str(view.get("cid"))
        author = view.get("author") or {}
        renamed = str(author.get("handle") or "")
        if handle and renamed not in ("", handle, "handle.invalid"):
            did = str(author.get("did"))
            if add(f"{did}#{renamed}", {"profile": author}):
                for other in position.watch:
                    if f"//{did}/" in other[0]:
                        other[2] = renamed
    return list(items.values())


def _is_gone(xrpc: Xrpc, uri: str) -> bool:
    # A view is also missing when its author blocked us, which deletes nothing.
    repo, collection, rkey = uri.removeprefix("at://").split("/", 2)
    try:
        xrpc.get("com.atproto.repo.getRecord", {"repo": repo, "collection": collection, "rkey": rkey})
    except XrpcRefused as refused:
        return refused.means_gone
    return False


def _raw(external_id: str, body: dict[str, Any], *, at: float, own: str) -> RawItem:
    encoded = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return RawItem(external_id, encoded, at=datetime.fromtimestamp(at, tz=UTC), meta={"own": own})


def _params(**given: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value}


def _list(said: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = said.get(name)
    if not isinstance(found, list):
        raise BadPayload(f"The service's answer has no {name!r}.")
    return [one for one in found if isinstance(one, dict) and isinstance(one.get("uri"), str)]


def _entry(value: dict[str, Any], time: str) -> Entry:
    try:
        at = moment(value.get(time)).timestamp()
    except ValueError:
        at = now().timestamp()
    return Entry(str(value["uri"]), at, value)
