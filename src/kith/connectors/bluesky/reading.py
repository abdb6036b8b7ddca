"""What is new: notifications and search results, and what became of posts that were handed over lately.

The network tells nobody that a post was deleted or a handle changed, but by a firehose of everything; so the latest
`WATCHED` posts are looked at again, 25 at each poll, and what is gone, changed or renamed becomes an item.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from kith.base.clock import now
from kith.connectors.answers import moment
from kith.connectors.bluesky.walk import Entry, Reader, Walk
from kith.connectors.bluesky.xrpc import Xrpc, XrpcRefused
from kith.connectors.contract import BadPayload, Existence, Page, RawItem
from kith.connectors.words import say

POST = "app.bsky.feed.post"
WATCHED = 200
BATCH = 25  # the most that getPosts takes
PAGE = 50


@dataclass
class Position:
    """The cursor: the walks, and the watched posts as [uri, cid, handle of the author], oldest first."""

    walk: Walk = field(default_factory=Walk)
    own: Walk = field(default_factory=Walk)  # over our own posts
    watch: list[list[str]] = field(default_factory=list)
    turn: int = 0

    @classmethod
    def load(cls, cursor: str, since: datetime | None) -> Position:
        if not cursor:
            floor = since.timestamp() if since else 0.0
            return cls(Walk(floor=floor), Walk(floor=floor))
        try:
            data = json.loads(cursor)
            return cls(Walk(**data["walk"]), Walk(**data["own"]), data["watch"], data["turn"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadPayload(say("The position of this channel can't be read.")) from error

    def dump(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


def notifications(xrpc: Xrpc, cursor: str, *, limit: int, since: datetime | None) -> Page:
    """The next items of the account: notifications, then our own answers from elsewhere, then changes to posts."""

    def read(address: str) -> tuple[list[Entry], str]:
        said = xrpc.get(
            "app.bsky.notification.listNotifications", _params(limit=min(limit, PAGE), cursor=address)
        )
        return [_entry(one, "indexedAt") for one in _list(said, "notifications")], str(
            said.get("cursor") or ""
        )

    def read_own(address: str) -> tuple[list[Entry], str]:
        params = _params(
            actor=xrpc.session().did, filter="posts_with_replies", limit=min(limit, PAGE), cursor=address
        )
        said = xrpc.get("app.bsky.feed.getAuthorFeed", params)
        return _own_entries(said.get("feed")), str(said.get("cursor") or "")

    position = Position.load(cursor, since)
    page = _page(xrpc, position, read, _notification_items, limit=limit)
    if page.more:
        return page
    position = Position.load(page.cursor, since)
    entries, more = _step(position.own, read_own, limit)
    answers = [entry for entry in entries if _answers_others(entry, xrpc.session().did)]
    items = _search_items(xrpc, answers)
    _watch(position, answers)
    more = more or bool(items)
    if not more:
        items = _changes(xrpc, position, limit)
    return Page(items=tuple(items), cursor=position.dump(), more=more, budget=xrpc.budget)


def search(xrpc: Xrpc, query: str, cursor: str, *, limit: int, since: datetime | None) -> Page:
    """The next public posts that match; the posts found are watched like those of the account."""

    def read(address: str) -> tuple[list[Entry], str]:
        params = _params(q=query, sort="latest", limit=min(limit, PAGE), cursor=address)
        said = xrpc.get("app.bsky.feed.searchPosts", params)
        return [_entry(one, "indexedAt") for one in _list(said, "posts")], str(said.get("cursor") or "")

    position = Position.load(cursor, since)
    page = _page(xrpc, position, read, _search_items, limit=limit)
    if page.more:
        return page
    items = _changes(xrpc, position, limit)
    return Page(items=tuple(items), cursor=position.dump(), budget=xrpc.budget)


def posts(xrpc: Xrpc, uris: list[str]) -> dict[str, dict[str, Any]]:
    """Views of posts by URI; those that are gone are not in it."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(uris), BATCH):
        said = xrpc.get("app.bsky.feed.getPosts", {"uris": uris[start : start + BATCH]})
        found |= {str(view.get("uri")): view for view in _list(said, "posts")}
    return found


def existence(xrpc: Xrpc, uris: list[str]) -> dict[str, Existence]:
    """Which posts are there and which are gone; of those whose view is missing for other reasons nothing is said."""
    views = posts(xrpc, uris)
    found: dict[str, Existence] = {uri: "there" for uri in uris if uri in views}
    return found | {uri: "gone" for uri in uris if uri not in views and _is_gone(xrpc, uri)}


Maker = Callable[[Xrpc, list[Entry]], list[RawItem]]


def _page(xrpc: Xrpc, position: Position, read: Reader, make: Maker, *, limit: int) -> Page:
    entries, more = _step(position.walk, read, limit)
    items = make(xrpc, entries)
    _watch(position, entries)
    # With news, "more" even at the end: what comes after it (own answers, changes) must not wait for a quiet minute.
    more = more or bool(items)
    return Page(items=tuple(items), cursor=position.dump(), more=more, budget=xrpc.budget)


def _step(walk: Walk, read: Reader, limit: int) -> tuple[list[Entry], bool]:
    before = deepcopy(walk)
    try:
        return walk.step(read, limit=limit)
    except XrpcRefused:
        # The address of a page may expire; what is known still bounds a walk that begins anew.
        if not before.trail:
            raise
        before.begin_anew()
        walk.__dict__.update(before.__dict__)
        return walk.step(read, limit=limit)


def _watch(position: Position, entries: list[Entry]) -> None:
    for entry in entries:
        if f"/{POST}/" in entry.key:
            author = entry.value.get("author") or {}
            position.watch.append(
                [entry.key, str(entry.value.get("cid") or ""), str(author.get("handle") or "")]
            )
    del position.watch[:-WATCHED]


def _own_entries(feed: object) -> list[Entry]:
    if not isinstance(feed, list):
        raise BadPayload(say("The service's answer has no 'feed'."))
    found = []
    for one in feed:
        post = one.get("post") if isinstance(one, dict) else None
        if not isinstance(post, dict) or not isinstance(post.get("uri"), str):
            continue
        if isinstance(reason := one.get("reason"), dict):
            # A repost stands in the feed under its own time; it is nothing that we said.
            found.append(
                _entry({"uri": f"repost {post['uri']}", "indexedAt": reason.get("indexedAt")}, "indexedAt")
            )
        else:
            found.append(_entry(post, "indexedAt"))
    return found


def _answers_others(entry: Entry, own: str) -> bool:
    reply = (entry.value.get("record") or {}).get("reply") or {}
    return bool(reply) and f"//{own}/" not in str((reply.get("parent") or {}).get("uri"))


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
    if not looked_at:
        return []

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
        raise BadPayload(say("The service's answer has no {name}.", name=repr(name)))
    return [one for one in found if isinstance(one, dict) and isinstance(one.get("uri"), str)]


def _entry(value: dict[str, Any], time: str) -> Entry:
    try:
        at = moment(value.get(time)).timestamp()
    except ValueError:
        at = now().timestamp()
    return Entry(str(value["uri"]), at, value)
