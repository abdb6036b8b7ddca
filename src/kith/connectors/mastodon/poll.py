"""Polling: three lists read from where the last call stopped, and a second look at posts that may have changed.

The cursor is JSON: the newest id read of each list (`n` notifications, `o` our own posts, `c` conversations), the posts
to look at again (`w`, with the time of their last edit), and whose turn that is (`k`). `s` holds lists whose beginning
is still being looked for, because history is only wanted from some time on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kith.base import clock
from kith.connectors.answers import clean, moment
from kith.connectors.contract import (
    BadPayload,
    ConnectorError,
    NotSupported,
    Page,
    RawItem,
    ReconnectNeeded,
    Refused,
)
from kith.connectors.mastodon.api import Server
from kith.connectors.mastodon.ids import full_acct, id_of, order, stable
from kith.connectors.words import say

PAGE = 40
WATCHED = 60
LOOKS = 6
MOST_STEPS = 250
MAX_LOOKUPS = 10


@dataclass(slots=True)
class Cursor:
    newest: dict[str, str] = field(default_factory=dict)
    seeking: dict[str, str] = field(default_factory=dict)
    watched: list[tuple[str, str]] = field(default_factory=list)
    turn: int = 0

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Raises BadPayload for what is no cursor of ours."""
        if not text:
            return cls()
        try:
            found = json.loads(text)
            return cls(
                newest={name: str(found[name]) for name in ("n", "o", "c") if name in found},
                seeking={str(name): str(value) for name, value in found.get("s", {}).items()},
                watched=[(str(one), str(edited)) for one, edited in found.get("w", [])],
                turn=int(found.get("k", 0)),
            )
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise BadPayload(say("the cursor can't be read")) from error

    def text(self) -> str:
        found: dict[str, Any] = dict(self.newest)
        if self.seeking:
            found["s"] = self.seeking
        if self.watched:
            found |= {"w": self.watched, "k": self.turn}
        return json.dumps(found, separators=(",", ":"))

    def watch(self, status: dict[str, Any]) -> None:
        raw_id = id_of(status)
        kept = [one for one in self.watched if stable(one[0]) != stable(raw_id)]
        self.watched = [*kept, (raw_id, clean(status.get("edited_at")))][-WATCHED:]


@dataclass(frozen=True, slots=True)
class _List:
    """One of the server's lists, newest first: where it is, what orders it, and when an entry came."""

    name: str
    path: str
    key: Callable[[dict[str, Any]], str]
    at: Callable[[dict[str, Any]], object]
    item: Callable[[dict[str, Any]], RawItem | None]
    params: dict[str, str] = field(default_factory=dict)


class Poller:
    def __init__(self, server: Server, *, account_id: str, acct: str, since: datetime | None) -> None:
        self._server = server
        self._since = since
        self._acct = acct.lower().lstrip("@")
        self._roots: dict[str, list[str]] = {}
        self._actors: dict[str, str] = {}
        self._known: set[str] = set()
        self._lists = (
            _List(
                "n",
                "/api/v1/notifications",
                id_of,
                _created,
                self._notification,
                {"include_filtered": "true"},
            ),
            _List("c", "/api/v1/conversations", _last_id, _last_created, self._conversation),
            _List(
                "o",
                f"/api/v1/accounts/{account_id}/statuses",
                id_of,
                _created,
                self._own,
                {"exclude_reblogs": "true"},
            ),
        )

    def fetch(self, text: str, *, limit: int) -> Page:
        """At most `limit` items, oldest first in each list. Raises the named errors; then nothing was moved."""
        cursor = Cursor.read(text)
        self._known = {stable(raw_id) for raw_id, _ in cursor.watched}
        limit = max(1, limit)
        for one in self._lists:
            if self._still_seeking(one, cursor):
                return Page((), cursor.text(), more=True, budget=self._server.budget)
        items: list[RawItem] = []
        more = False
        for one in self._lists:
            room = limit - len(items)
            if room <= 0:
                more = True
                break
            entries, left = self._after(one, cursor.newest.get(one.name, "0"), min(room, PAGE))
            for entry in entries:
                try:
                    item = one.item(entry)
                    self._watch(entry, cursor)
                except BadPayload:
                    # kept as it came: one broken entry is set aside and blocks no other
                    item = item_of("notification", f"{one.name}:{one.key(entry)}", entry, {})
                if item is not None:
                    items.append(item)
                cursor.newest[one.name] = one.key(entry)
            more = more or left
        if not more and len(items) < limit:
            items += self._second_look(cursor, limit - len(items))
        return Page(tuple(items), cursor.text(), more=more, budget=self._server.budget)

    # --- reading a list ---

    def _after(self, one: _List, newest: str, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """Entries after `newest`, oldest first, at most `limit`; and whether there are more.

        `min_id` gives the oldest of what is new on some servers and the newest on others, and a full page looks the same.
        So what lies between is asked for until nothing does, and only then is anything handed over.
        """
        found = self._page(one, {"min_id": newest}, newest, limit)
        full = len(found) >= limit
        for _ in range(MOST_STEPS):
            if not found:
                return [], False
            bottom = one.key(found[0])
            between = self._page(one, {"min_id": newest, "max_id": bottom}, newest, limit)
            between = [entry for entry in between if order(one.key(entry)) < order(bottom)]
            if not between:
                return found[:limit], full or len(found) > limit
            found = between + found
        raise Refused(say("The server's list does not come to an end."))

    def _page(self, one: _List, params: dict[str, str], newest: str, limit: int) -> list[dict[str, Any]]:
        asked = {**one.params, **params, "limit": str(limit)}
        try:
            entries = self._server.get_list(one.path, asked)
        except Refused:
            if one.name == "n":
                raise
            return []  # a server without this list
        fresh: dict[str, dict[str, Any]] = {}
        for entry in entries:
            with suppress(BadPayload):  # without an id nothing can be asked or kept
                if order(one.key(entry)) > order(newest):
                    fresh[one.key(entry)] = entry
        return [fresh[key] for key in sorted(fresh, key=order)]

    def _still_seeking(self, one: _List, cursor: Cursor) -> bool:
        """One step back to where history begins; True while there may be more steps to take."""
        if one.name in cursor.newest:
            return False
        if self._since is None:
            return False
        top = cursor.seeking.get(one.name, "")
        params = {"max_id": top} if top else {}
        entries = [e for e in self._page(one, params, "0", PAGE) if not top or order(one.key(e)) < order(top)]
        before = [entry for entry in entries if self._is_before(one, entry)]
        if entries and not before:
            cursor.seeking[one.name] = one.key(entries[0])
            return True
        cursor.newest[one.name] = one.key(before[-1]) if before else "0"
        cursor.seeking.pop(one.name, None)
        return False

    def _is_before(self, one: _List, entry: dict[str, Any]) -> bool:
        try:
            return self._since is not None and moment(one.at(entry)) < self._since
        except ValueError:
            return False

    # --- what becomes of an entry ---

    def _notification(self, entry: dict[str, Any]) -> RawItem:
        status = entry.get("status")
        told = entry.get("type") in ("mention", "quote") and isinstance(status, dict)
        meta = self.meta(status) if told and isinstance(status, dict) else {}
        return item_of("notification", f"notification:{id_of(entry)}", entry, meta)

    def _conversation(self, entry: dict[str, Any]) -> RawItem | None:
        status = entry.get("last_status")
        return self._once(status) if isinstance(status, dict) else None

    def _own(self, entry: dict[str, Any]) -> RawItem | None:
        """Our own posts count where they are said to somebody: an answer written in another program is an answer."""
        spoken_to = entry.get("in_reply_to_id") or entry.get("mentions")
        return self._once(entry) if spoken_to and not entry.get("reblog") else None

    def _once(self, status: dict[str, Any]) -> RawItem | None:
        """Several lists show the same post; the first that did is enough, as long as nobody changed it."""
        if not status.get("edited_at") and stable(id_of(status)) in self._known:
            return None
        return self.status(status)

    def status(self, status: dict[str, Any]) -> RawItem:
        edited = clean(status.get("edited_at"), 50)
        name = f"status:{stable(id_of(status))}" + (f":{edited}" if edited else "")
        return item_of("status", name, status, self.meta(status))

    def meta(self, status: dict[str, Any]) -> dict[str, Any]:
        """What only further questions tell: the posts before it, and who is meant by its mentions."""
        found: dict[str, Any] = {}
        if earlier := self._ancestors(status):
            found["ancestors"] = earlier
        if actors := self._mentioned(status):
            found["actors"] = actors
        return found

    def _ancestors(self, status: dict[str, Any]) -> list[str]:
        if not status.get("in_reply_to_id"):
            return []
        raw_id = id_of(status)
        if raw_id not in self._roots:
            try:
                context = self._server.get_object(f"/api/v1/statuses/{raw_id}/context")
            except ReconnectNeeded:
                raise
            except ConnectorError:
                return []
            ancestors = context.get("ancestors")
            listed = ancestors if isinstance(ancestors, list) else []
            self._roots[raw_id] = [
                id_of(one) for one in listed[-50:] if isinstance(one, dict) and one.get("id")
            ]
        return self._roots[raw_id]

    def _mentioned(self, status: dict[str, Any]) -> dict[str, str]:
        """The actor's address for each mention that only gives a page's address."""
        found: dict[str, str] = {}
        mentions = status.get("mentions")
        for mention in (mentions if isinstance(mentions, list) else [])[:MAX_LOOKUPS]:
            if not isinstance(mention, dict) or "/@" not in clean(mention.get("url")):
                continue
            if full_acct(mention, self._server.domain).lower() == self._acct:
                continue
            raw_id = clean(str(mention.get("id", "")), 100)
            if raw_id and raw_id not in self._actors:
                try:
                    account = self._server.get_object(f"/api/v1/accounts/{raw_id}")
                except ConnectorError:
                    continue
                self._actors[raw_id] = clean(account.get("uri"), 500)
            if self._actors.get(raw_id):
                found[raw_id] = self._actors[raw_id]
        return found

    # --- edits and deletions ---

    def _watch(self, entry: dict[str, Any], cursor: Cursor) -> None:
        for status in (entry.get("status"), entry.get("last_status")):
            if isinstance(status, dict) and entry.get("type", "mention") in ("mention", "quote", "update"):
                cursor.watch(status)
                self._known.add(stable(id_of(status)))

    def _second_look(self, cursor: Cursor, room: int) -> list[RawItem]:
        """A few of the posts that came lately, in turn: gone, changed, or as they were."""
        found: list[RawItem] = []
        for _ in range(min(LOOKS, room, len(cursor.watched))):
            cursor.turn %= len(cursor.watched)
            raw_id, edited = cursor.watched[cursor.turn]
            try:
                status = self._server.exists(f"/api/v1/statuses/{raw_id}")
            except (ConnectorError, NotSupported):
                break  # the lists were read; this can wait for the next call
            if status is None:
                found.append(deleted(raw_id))
                del cursor.watched[cursor.turn]
                if not cursor.watched:
                    break
                continue
            now = clean(status.get("edited_at"))
            if now != edited:
                cursor.watched[cursor.turn] = (raw_id, now)
                found.append(self.status(status))
            cursor.turn += 1
        return found


def deleted(raw_id: str) -> RawItem:
    body = json.dumps({"id": raw_id}).encode()
    return RawItem(f"deleted:{stable(raw_id)}", body, at=clock.now(), meta={"as": "deleted"})


def item_of(shape: str, external_id: str, entry: dict[str, Any], meta: dict[str, Any]) -> RawItem:
    try:
        at = moment(entry.get("created_at"))
    except ValueError:
        at = None
    return RawItem(external_id, json.dumps(entry).encode(), at=at, meta={"as": shape, **meta})


def _created(entry: dict[str, Any]) -> object:
    return entry.get("created_at")


def _last(entry: dict[str, Any]) -> dict[str, Any]:
    status = entry.get("last_status")
    return status if isinstance(status, dict) else {"id": "0"}


def _last_id(entry: dict[str, Any]) -> str:
    return id_of(_last(entry))


def _last_created(entry: dict[str, Any]) -> object:
    return _last(entry).get("created_at")


def newest_of(cursor: Cursor, name: str, raw_ids: Iterable[str]) -> None:
    """Move a list's place forward, never back."""
    for raw_id in raw_ids:
        if order(raw_id) > order(cursor.newest.get(name, "0")):
            cursor.newest[name] = raw_id
