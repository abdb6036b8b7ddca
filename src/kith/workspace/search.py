# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""Full-text search over all messages, all time, newest first.

Who may see stands among the lexemes, so a search never reads what it must not show. Three ways to the newest page,
chosen by the planner's estimate: few hits are gathered and sorted; hits so many that the newest messages hold a page are
found by walking the dates; all else by windows of months, each twice as long as the one before, newest first.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kith.base.keyset import cursor_decode, cursor_encode
from kith.contacts.selectors import identities_named
from kith.core import sql
from kith.networks.selectors import offered
from kith.teams.types import Viewer
from kith.workspace.search_hits import START, STOP, Key, SearchHit, hits_of
from kith.workspace.search_query import SearchQuery, search_parse
from kith.workspace.search_scopes import lexemes, seen

FEW, MOST_GATHERED, MOST_WALKED = 2_000, 20_000, 4_000
FIRST_WINDOW = 1  # months
SMALL = 100_000  # documents of the viewer's scopes, by an estimate that knows no scope below a quarter of a per cent

__all__ = ["START", "STOP", "SearchHit", "SearchPage", "search_messages"]


@dataclass(frozen=True, slots=True)
class SearchPage:
    hits: tuple[SearchHit, ...]
    next_cursor: str | None
    query: SearchQuery
    problems: tuple[str, ...]


@dataclass(slots=True)
class _Search:
    """A search as SQL: the tsquery (text of lexemes and functions), conditions on the document, and on its message.

    `scopes` are the only ones to be read, empty for those who see all; `tsquery` does not speak of them, `asked` does.
    `unfinished`: a word's beginning is looked for, and the index gathers the whole list of each word that begins so.
    """

    tsquery: str
    scopes: list[str]
    documents: list[str]
    messages: list[str]
    params: dict[str, Any]
    cjk: bool
    unfinished: bool

    def asked(self, months: Sequence[str] = ()) -> str:
        """The tsquery with the scopes, and of some months only. `seen` of the parameters is the latter alone."""
        self.params["seen"] = seen(self.scopes, months)
        parts = [self.tsquery] if self.tsquery else []
        return " && ".join([*parts, "%(seen)s::tsquery"] if self.params["seen"] else parts)


def search_messages(
    viewer: Viewer, text: str, *, cursor: str | None = None, limit: int = 30, only: str = ""
) -> SearchPage:
    """One page of what the viewer may see, newest first; `only` "note" or "file" keeps to these."""
    query = search_parse(text)
    if only == "file":
        query = replace(query, has_file=True)
    elif only == "note":
        if query.direction not in ("", "note"):
            return SearchPage((), None, query, query.problems)
        query = replace(query, direction="note")
    if query.is_empty or not viewer.scope_ids:
        return SearchPage((), None, query, query.problems)
    search = _build(viewer, query)
    if search is None:
        return SearchPage((), None, query, query.problems)
    keys = _find(search, cursor_decode(cursor), limit + 1)
    hits = hits_of(viewer, search.params, query, keys[:limit])
    more = len(keys) > limit
    return SearchPage(hits, cursor_encode(*keys[limit - 1]) if more else None, query, query.problems)


def _build(viewer: Viewer, query: SearchQuery) -> _Search | None:
    """None: a filter names somebody whom nobody knows, so nothing can be found."""
    params: dict[str, Any] = {"me": viewer.user_id, "scopes": list(viewer.scope_ids)}
    groups: list[str] = []
    if query.channels:
        groups.append(lexemes([f"net:{n}" for n in _networks(query.channels)]))
    if query.direction:
        groups.append(lexemes([f"dir:{query.direction}"]))
    if query.has_file:
        groups.append(lexemes(["has:file"]))
    messages: list[str] = []
    if query.senders or query.by_me:
        _senders(query, groups, messages, params)
    parts = ["%(filter)s::tsquery"] if groups else []
    params["filter"] = " & ".join(groups)
    documents: list[str] = []
    for number, term in enumerate(query.terms):
        name = f"w{number}"
        if term.is_cjk:
            documents.append(f"{'NOT ' if term.negated else ''}d.cjk ILIKE %({name})s")
            params[name] = "%" + term.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            continue
        made = f"to_tsquery('kith', %({name})s)" if term.prefix else f"phraseto_tsquery('kith', %({name})s)"
        params[name] = f"'{term.text}':*" if term.prefix else term.text
        parts.append(f"!!{made}" if term.negated else made)
    cjk = any(t.is_cjk and not t.negated for t in query.terms)
    documents += ["d.cjk <> ''"] if cjk else []
    _message_filters(query, messages, params)
    for name, sign, at in (("before", "<", query.before), ("after", ">=", query.after)):
        if at is not None:
            documents.append(f"d.at {sign} %({name})s")
            params[name] = at
    scopes = [] if viewer.sees_all else [str(s) for s in viewer.scope_ids]
    unfinished = any(t.prefix and not t.is_cjk for t in query.terms)
    return _Search(" && ".join(parts), scopes, documents, messages, params, cjk, unfinished)


def _senders(query: SearchQuery, groups: list[str], messages: list[str], params: dict[str, Any]) -> None:
    people = [i for name in query.senders for i in identities_named(name)]
    if not query.by_me:
        groups.append(lexemes([f"from:{i}" for i in people] or ["from:nobody"]))
        return
    messages.append("(m.author_id = %(me)s OR m.sender_id = ANY (%(senders)s))")
    params["senders"] = people


def _message_filters(query: SearchQuery, messages: list[str], params: dict[str, Any]) -> None:
    if query.recipients:
        messages.append(
            "EXISTS (SELECT 1 FROM conversations_participant p WHERE p.message_id = m.id AND p.role IN ('to', 'cc', "
            "'member') AND p.identity_id = ANY (%(recipients)s))"
        )
        params["recipients"] = [i for name in query.recipients for i in identities_named(name)]
    rows = (
        "EXISTS (SELECT 1 FROM conversations_messagecopy k JOIN conversations_thread t ON t.id = k.thread_id "
        "JOIN conversations_conversationscope cs ON cs.conversation_id = t.conversation_id AND cs.scope_id = t.scope_id "
        "WHERE k.message_id = m.id AND k.scope_id = ANY (%(scopes)s) AND {condition})"
    )
    if query.tags:
        tagged = (
            "EXISTS (SELECT 1 FROM conversations_conversationtag ct JOIN contacts_tag tag ON tag.id = ct.tag_id "
            "WHERE ct.conversation_id = cs.conversation_id AND lower(tag.name) = ANY (%(tags)s))"
        )
        messages.append(rows.format(condition=tagged))
        params["tags"] = [tag.lower() for tag in query.tags]
    if query.places:
        messages.append(
            rows.format(
                condition="(CASE WHEN cs.tray = '' THEN cs.status WHEN cs.tray = 'spam' THEN 'spam' ELSE 'held' END "
                "= ANY (%(places)s) OR (cs.tray <> '' AND 'held' = ANY (%(places)s)))"
            )
        )
        params["places"] = list(query.places)


def _networks(channels: tuple[str, ...]) -> list[str]:
    """Names of the networks that somebody means by a name, a title or a medium ("mail")."""
    found = [m.name for m in offered() for c in channels if c in (m.name, m.title.casefold(), m.medium)]
    return found or list(channels)


def _find(search: _Search, after: Key | None, wanted: int) -> list[Key]:
    """The newest keys after a cursor."""
    if search.cjk or not search.asked():
        return _walk(search, after, wanted)
    expected = _estimate(search, search.asked())
    if expected <= FEW:
        found = _gather(search, after, wanted, cap=MOST_GATHERED)
        if found is not None:
            return found
    keys: list[Key] = []
    if expected / _documents() * MOST_WALKED >= wanted:
        keys, after = _walk_some(search, after, wanted)
        if len(keys) >= wanted or after is None:
            return keys
    small = bool(search.scopes) and search.unfinished and _estimate(search, "%(seen)s::tsquery") <= SMALL
    for months in _windows(search, after):
        part = _gather(search, after, wanted - len(keys), months, one_by_one=small)
        keys += part or []
        if len(keys) >= wanted:
            break
    return keys


def _estimate(search: _Search, tsquery: str) -> float:
    """How many documents the planner expects to match."""
    plan = sql.rows(
        f"EXPLAIN (FORMAT JSON) SELECT 1 FROM conversations_searchdocument d WHERE d.vector @@ ({tsquery})",
        search.params,
    )[0][0]
    return float((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


def _documents() -> float:
    """How many documents there are, by PostgreSQL's statistics."""
    found = "SELECT greatest(reltuples, 1) FROM pg_class WHERE relname = 'conversations_searchdocument'"
    return float(sql.rows(found)[0][0])


def _conditions(search: _Search, after: Key | None, params: dict[str, Any]) -> list[str]:
    found = list(search.documents)
    if after is not None:
        found.append("(d.at, d.message_id) < (%(at)s, %(key)s)")
        params["at"], params["key"] = after
    return found


def _gather(
    search: _Search,
    after: Key | None,
    wanted: int,
    months: Sequence[str] = (),
    *,
    cap: int = 0,
    one_by_one: bool = False,
) -> list[Key] | None:
    """All hits (of some months), sorted; None when there are more than `cap`. `one_by_one` reads all that is seen."""
    tsquery, source = search.asked(months), "conversations_searchdocument"
    if one_by_one:
        source = f"(SELECT * FROM {source} s WHERE s.vector @@ %(seen)s::tsquery OFFSET 0)"
    params = {**search.params, "limit": wanted, "cap": cap + 1}
    where = [f"d.vector @@ ({tsquery})", *_conditions(search, after, params)]
    found = sql.rows(
        f"WITH hits AS MATERIALIZED (SELECT d.message_id, d.at FROM {source} d "
        f"WHERE {' AND '.join(where)} {'LIMIT %(cap)s' if cap else ''}) "
        f"SELECT h.at, h.message_id, (SELECT count(*) FROM hits) FROM hits h "
        f"{_joined(search, 'h')} ORDER BY h.at DESC, h.message_id DESC LIMIT %(limit)s",
        params,
    )
    if cap and found and found[0][2] > cap:
        return None
    return [(at, key) for at, key, _ in found]


def _joined(search: _Search, name: str) -> str:
    """The join to messages, where a filter asks for them."""
    if not search.messages:
        return ""
    return f"JOIN conversations_message m ON m.id = {name}.message_id AND {' AND '.join(search.messages)}"


def _walk_some(search: _Search, after: Key | None, wanted: int) -> tuple[list[Key], Key | None]:
    """Hits among the next newest documents, and where the walk stopped (None: at the end of all)."""
    tsquery = search.asked()
    params = {**search.params, "limit": wanted, "skip": MOST_WALKED}
    where = _conditions(search, after, params)
    stop = sql.rows(
        f"SELECT d.at, d.message_id FROM conversations_searchdocument d {_where(where)} "
        f"ORDER BY d.at DESC, d.message_id DESC OFFSET %(skip)s LIMIT 1",
        params,
    )
    if stop:
        where.append("(d.at, d.message_id) > (%(stop_at)s, %(stop_key)s)")
        params["stop_at"], params["stop_key"] = stop[0]
    where.append(f"d.vector @@ ({tsquery})")
    found = sql.rows(
        f"SELECT d.at, d.message_id FROM conversations_searchdocument d {_joined(search, 'd')} {_where(where)} "
        f"ORDER BY d.at DESC, d.message_id DESC LIMIT %(limit)s",
        params,
    )
    keys = [(at, key) for at, key in found]
    if not stop:
        return keys, None
    # The one at which the walk stopped was not looked at: the windows begin just before it.
    at, key = stop[0]
    return keys, (at, uuid.UUID(int=min(key.int + 1, (1 << 128) - 1)))


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _walk(search: _Search, after: Key | None, wanted: int) -> list[Key]:
    """Hits by date, for searches whose words are found by trigrams, or that have filters only."""
    tsquery = search.asked()
    params = {**search.params, "limit": wanted}
    where = _conditions(search, after, params) + ([f"d.vector @@ ({tsquery})"] if tsquery else [])
    found = sql.rows(
        f"SELECT d.at, d.message_id FROM conversations_searchdocument d {_joined(search, 'd')} {_where(where)} "
        f"ORDER BY d.at DESC, d.message_id DESC LIMIT %(limit)s",
        params,
    )
    return [(at, key) for at, key in found]


def _windows(search: _Search, after: Key | None) -> Iterator[list[str]]:
    """Months from the newest wanted to the oldest there is, in windows that double."""
    bounds = sql.rows(
        "SELECT (SELECT at FROM conversations_searchdocument ORDER BY at DESC LIMIT 1), "
        "(SELECT at FROM conversations_searchdocument ORDER BY at LIMIT 1)"
    )[0]
    if bounds[0] is None:
        return
    newest = min(at for at in (bounds[0], after[0] if after else None, search.params.get("before")) if at)
    oldest = max(at for at in (bounds[1], search.params.get("after")) if at)
    month, last, size = _number(newest), _number(oldest), FIRST_WINDOW
    while month >= last:
        yield [f"{m // 12:04d}{m % 12 + 1:02d}" for m in range(max(month - size + 1, last), month + 1)]
        month -= size
        size *= 2


def _number(at: datetime) -> int:
    utc = at.astimezone(UTC)
    return utc.year * 12 + utc.month - 1
