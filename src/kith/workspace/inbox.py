# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""The inbox's lists: one page of rows, and how many stand in each view. Raw SQL, keyset pages, law 11 in each query."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from kith.base.clock import now
from kith.base.keyset import cursor_decode, cursor_encode
from kith.contacts.names import initials, person_name
from kith.core import sql
from kith.teams.types import Viewer
from kith.workspace.inbox_view import InboxView, view_parse, view_text
from kith.workspace.unsent_sql import UNSENT_COLUMN

__all__ = [
    "InboxCounts",
    "InboxPage",
    "InboxRow",
    "InboxView",
    "TagChip",
    "inbox_counts",
    "inbox_page",
    "inbox_rows",
    "view_parse",
    "view_text",
]

COUNT_CAP = 100
LOOKED_AT = 150  # rows, to find that many conversations among them
COUNTED = ("inbox", "mine", "unassigned", "waiting", "for_me", "snoozed", "held")
WIDE = {"unassigned", "waiting", "all", "snoozed", "closed", "held"}


class TagChip(NamedTuple):
    id: uuid.UUID
    name: str
    color: str


class InboxRow(NamedTuple):
    """One conversation in a list, as its newest visible scope shows it."""

    conversation_id: uuid.UUID
    scope_id: uuid.UUID
    status: str
    name: str
    avatar: str
    identity_id: uuid.UUID | None
    contact_id: uuid.UUID | None
    subject: str
    snippet: str
    networks: list[str]
    is_public: bool
    last_at: datetime
    last_direction: str
    waiting_since: datetime | None
    snoozed_until: datetime | None
    assignee_id: uuid.UUID | None
    assignee: str
    team_id: uuid.UUID | None
    unread: bool
    tags: tuple[TagChip, ...]
    priority: int
    message_count: int
    labels: tuple[str, ...]
    tray: str

    @property
    def initials(self) -> str:
        return initials(self.name)


@dataclass(frozen=True, slots=True)
class InboxPage:
    rows: tuple[InboxRow, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """Open conversations in each view, counted up to 100 (then shown as "99+")."""

    inbox: int
    mine: int
    unassigned: int
    waiting: int
    for_me: int
    snoozed: int
    held: int
    unsent: int
    teams: dict[uuid.UUID, int]


_ROWS = """
SELECT k.name, k.preferred_name, k.family_name, i.display_name, i.handle, i.external_id,
       cs.conversation_id, cs.scope_id, cs.status, '', coalesce(nullif(k.avatar, ''), i.avatar, ''), cs.identity_id, k.id,
       cs.subject, cs.snippet, cs.networks, cs.is_public, cs.last_at, cs.last_direction, cs.waiting_since,
       cs.snoozed_until, cs.assignee_id, coalesce(u.name, ''), cs.team_id,
       cs.status = 'open' AND cs.last_direction = 'in' AND coalesce(seen.at < cs.last_at, true),
       (SELECT json_agg(json_build_array(t.id, t.name, t.color) ORDER BY t.name) FROM conversations_conversationtag ct
        JOIN contacts_tag t ON t.id = ct.tag_id WHERE ct.conversation_id = cs.conversation_id),
       cs.priority, cs.message_count, cs.labels, cs.tray
FROM ({source}) page
JOIN conversations_conversationscope cs ON cs.id = page.id
LEFT JOIN contacts_identity i ON i.id = cs.identity_id
LEFT JOIN contacts_contact a ON a.id = i.contact_id
LEFT JOIN contacts_contact k ON k.id = a.canonical_id AND k.deleted_at IS NULL
LEFT JOIN teams_user u ON u.id = cs.assignee_id
LEFT JOIN conversations_seen seen ON seen.conversation_id = cs.conversation_id AND seen.user_id = %(me)s
ORDER BY {order}
"""


@dataclass(slots=True)
class _Query:
    """Parts of one list's SQL, the same for rows and for counting."""

    where: list[str]
    per_row: list[str]  # conditions that may differ between the scopes of one conversation
    params: dict[str, Any]
    lateral: bool
    order: str
    compare: str


def _query(viewer: Viewer, view: InboxView) -> _Query:
    params: dict[str, Any] = {
        "me": viewer.user_id,
        "scopes": list(viewer.scope_ids),
        "statuses": list(view.wanted_statuses),
    }
    per_row = ["{a}.tray <> ''" if view.kind == "held" else "{a}.tray = ''"]
    where = ["{a}.status = st.status"]
    if not viewer.sees_all:
        per_row.append("{a}.scope_id = ANY (%(scopes)s)")
    order, compare = "{a}.last_at DESC, {a}.conversation_id DESC", "last_at"
    if view.kind == "mine":
        where.append("{a}.assignee_id = %(me)s")
    elif view.kind == "unassigned":
        where.append("{a}.assignee_id IS NULL")
        if (
            viewer.sees_all
        ):  # the index begins with the assignee, and the planner must see that the order is its own
            order = "{a}.assignee_id, " + order
    elif view.kind == "team":
        where.append("{a}.team_id = %(team)s")
        params["team"] = view.team_id
    elif view.kind == "waiting":
        per_row.append("{a}.waiting_since IS NOT NULL")
        order, compare = "{a}.waiting_since, {a}.conversation_id", "waiting_since"
    elif view.kind == "for_me":
        where.append(
            "{a}.conversation_id IN (SELECT subject_id FROM (SELECT subject_id FROM teams_notification n "
            "WHERE n.user_id = %(me)s AND n.kind = 'mention' AND n.subject_id IS NOT NULL "
            "ORDER BY n.id DESC LIMIT 1000) m)"
        )
    if view.kind == "held":
        where = ["true"]  # a held conversation is held whatever its status
        if view.reason:
            per_row.append("{a}.tray = %(reason)s")
            params["reason"] = view.reason
    _filters(view, where, per_row, params)
    narrow = view.kind not in WIDE or view.identity_ids is not None or view.assignee_id is not None
    lateral = not narrow and (not viewer.sees_all or view.kind == "held")
    return _Query(where, per_row, params, lateral, order, compare)


def _filters(view: InboxView, where: list[str], per_row: list[str], params: dict[str, Any]) -> None:
    if view.unassigned:
        where.append("{a}.assignee_id IS NULL")
    if view.language:
        per_row.append("{a}.language = %(language)s")
        params["language"] = view.language
    if view.label:
        per_row.append("{a}.labels @> ARRAY[%(label)s]::varchar[]")
        params["label"] = view.label
    if view.waiting is not None:
        per_row.append("{a}.waiting_since <= %(waiting)s")
        params["waiting"] = now() - view.waiting
    if view.assignee_id is not None:
        where.append("{a}.assignee_id = %(assignee)s")
        params["assignee"] = view.assignee_id
    if view.priority is not None:
        where.append("{a}.priority = %(priority)s")
        params["priority"] = view.priority
    if view.network:
        per_row.append("%(network)s = ANY ({a}.networks)")
        params["network"] = view.network
    if view.visibility:
        per_row.append("{a}.is_public = %(public)s")
        params["public"] = view.visibility == "public"
    if view.identity_ids is not None:
        where.append("{a}.identity_id = ANY (%(identities)s)")
        params["identities"] = list(view.identity_ids)
    for number, tag in enumerate(view.tags):
        where.append(
            "EXISTS (SELECT 1 FROM conversations_conversationtag ct JOIN contacts_tag t ON t.id = ct.tag_id "
            f"WHERE ct.conversation_id = {{a}}.conversation_id AND t.name = %(tag{number})s)"
        )
        params[f"tag{number}"] = tag
    if view.unread:
        where.append(
            "{a}.last_direction = 'in' AND NOT EXISTS (SELECT 1 FROM conversations_seen s WHERE s.user_id = %(me)s "
            "AND s.conversation_id = {a}.conversation_id AND s.at >= {a}.last_at)"
        )


def _list_sql(query: _Query, view: InboxView, *, after: bool, columns: str, repeats: bool = False) -> str:
    """SQL of one list; with `repeats` in no order, and a conversation once for each scope. Each branch (status, and scope for those who don't see all) walks one index and stops early.

    A conversation in several visible scopes is shown once, by the row that comes first. The condition is written so that
    the planner neither turns it into a join over the table nor believes that few rows pass it (it would sort them all).
    """
    where = [part.format(a="cs") for part in (*query.where, *query.per_row)]
    if after:
        sign = ">" if view.oldest_first else "<"
        where.append(f"(cs.{query.compare}, cs.conversation_id) {sign} (%(at)s, %(key)s)")
    earlier = "(o.waiting_since, o.id) < (cs.waiting_since, cs.id)"
    if not view.oldest_first:
        earlier = "(o.last_at, cs.id) > (cs.last_at, o.id)"
    if not repeats:
        where.append(
            "(SELECT true FROM conversations_conversationscope o WHERE o.conversation_id = cs.conversation_id AND "
            + " AND ".join(part.format(a="o") for part in query.per_row)
            + f" AND {earlier} LIMIT 1) IS NOT TRUE"
        )
    branches = (
        "(SELECT NULL AS status) st" if view.kind == "held" else "unnest(%(statuses)s::text[]) st (status)"
    )
    if query.lateral:
        branches += " CROSS JOIN unnest(%(scopes)s::uuid[]) sc (scope_id)"
        where.append("cs.scope_id = sc.scope_id")
    order = query.order.format(a="cs")
    outer = f"b.{query.compare}" + ("" if view.oldest_first else " DESC")
    key = "b.conversation_id" + ("" if view.oldest_first else " DESC")
    last = "" if repeats else f"ORDER BY {outer}, {key} "
    return (
        f"SELECT {columns} FROM {branches} CROSS JOIN LATERAL (SELECT cs.id, cs.conversation_id, cs.{query.compare} "
        f"FROM conversations_conversationscope cs WHERE {' AND '.join(where)} ORDER BY {order} LIMIT %(limit)s) b "
        f"{last}LIMIT %(limit)s"
    )


def inbox_page(viewer: Viewer, view: InboxView, *, cursor: str | None = None, limit: int = 50) -> InboxPage:
    """One page of a view: newest first, those who wait longest first in "waiting". One query at any depth and size."""
    query = _query(viewer, view)
    after = cursor_decode(cursor)
    query.params["limit"] = limit + 1
    if after is not None:
        query.params["at"], query.params["key"] = after
    source = _list_sql(query, view, after=after is not None, columns="b.id")
    order = "cs.waiting_since, cs.conversation_id"
    if not view.oldest_first:
        order = "cs.last_at DESC, cs.conversation_id DESC"
    found = sql.prepared(_ROWS.format(source=source, order=order), query.params)
    rows = tuple(map(_row, found[:limit]))
    if len(found) <= limit:
        return InboxPage(rows, None)
    last = (rows[-1].waiting_since if view.oldest_first else None) or rows[-1].last_at
    return InboxPage(rows, cursor_encode(last, rows[-1].conversation_id))


def inbox_rows(viewer: Viewer, row_ids: list[int]) -> tuple[InboxRow, ...]:
    """Rows of ConversationScope, in the order of `row_ids`, with names, tags and assignees. One query.

    The caller has checked that the viewer may see them.
    """
    source = "SELECT id, n FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY asked (id, n)"
    found = sql.prepared(_ROWS.format(source=source, order="page.n"), {"me": viewer.user_id, "ids": row_ids})
    return tuple(map(_row, found))


def _row(row: tuple[Any, ...]) -> InboxRow:
    """The columns of InboxRow, after those that a name is made of."""
    name, preferred, family, display, handle, external, key, scope, status, _name, *more = row
    shown = person_name(
        preferred=preferred or "",
        family=family or "",
        name=name or "",
        display=display or "",
        handle=handle or "",
        external_id=external or "",
    )
    *more, tags, priority, count, labels, tray = more
    chips = tuple(
        TagChip(uuid.UUID(tag), text, color) for tag, text, color in tags or ()
    )  # JSON, None for no tag
    return InboxRow._make((key, scope, status, shown, *more, chips, priority, count, tuple(labels), tray))


def inbox_counts(viewer: Viewer) -> InboxCounts:
    """How many stand in each view, each counted up to 100. One query, hardly ever two."""
    return inbox_counts_with(viewer)[0]


def inbox_counts_with(viewer: Viewer, *columns: str) -> tuple[InboxCounts, tuple[Any, ...]]:
    """The counts, and what else the same query reads: SQL that may name `me` and `teams`."""
    # Asking of each row whether its conversation stood in another scope before takes most of the time: so count among
    # half as many rows again those that differ, and ask only where so many repeat that this does not tell.
    found, more = _counted(viewer, COUNTED, viewer.team_ids, (UNSENT_COLUMN, *columns), repeats=True)
    numbers = {name: min(differ, COUNT_CAP) for name, (_read, differ) in found.items()}
    unsure = [name for name, (read, _) in found.items() if read == LOOKED_AT and numbers[name] < COUNT_CAP]
    if unsure:
        kinds = tuple(name for name in unsure if isinstance(name, str))
        teams = tuple(name for name in unsure if isinstance(name, uuid.UUID))
        numbers |= {name: n for name, (n, _) in _counted(viewer, kinds, teams, (), repeats=False)[0].items()}
    counts = InboxCounts(
        inbox=numbers["inbox"],
        mine=numbers["mine"],
        unassigned=numbers["unassigned"],
        waiting=numbers["waiting"],
        for_me=numbers["for_me"],
        snoozed=numbers["snoozed"],
        held=numbers["held"],
        unsent=more[0],
        teams={team: numbers[team] for team in viewer.team_ids},
    )
    return counts, more[1:]


def _counted(
    viewer: Viewer,
    kinds: tuple[str, ...],
    teams: Sequence[uuid.UUID],
    more: tuple[str, ...],
    *,
    repeats: bool,
) -> tuple[dict[str | uuid.UUID, tuple[int, int]], tuple[Any, ...]]:
    """(rows, conversations) of the beginning of these views and of these teams' views, and `more` columns."""
    statement = _counts_sql(viewer.sees_all, kinds, more, repeats)
    params = {
        "me": viewer.user_id,
        "scopes": list(viewer.scope_ids),
        "teams": list(teams),
        "limit": LOOKED_AT if repeats else COUNT_CAP,
    }
    row = sql.prepared(statement, params)[0]
    found = (*row[: len(kinds)], *row[len(kinds)])
    names: tuple[str | uuid.UUID, ...] = (*kinds, *teams)
    counted = {name: (n[0], n[1]) for name, n in zip(names, found, strict=True)}
    return counted, row[len(kinds) + 1 :]


@lru_cache(maxsize=64)
def _counts_sql(sees_all: bool, kinds: tuple[str, ...], more: tuple[str, ...], repeats: bool) -> str:
    """One column for each view, one for all teams, and those asked for besides."""
    nobody = Viewer(uuid.UUID(int=0), "", (), (), sees_all)
    counted = "count(*), count(DISTINCT conversation_id)"

    def beginning(view: InboxView) -> str:
        statuses = "','".join(view.wanted_statuses)
        made = _list_sql(
            _query(nobody, view), view, after=False, columns="b.conversation_id", repeats=repeats
        )
        return made.replace("%(statuses)s", f"array['{statuses}']")

    views = [
        InboxView(
            "all" if kind == "inbox" else kind, statuses=("open",) if kind in ("inbox", "for_me") else ()
        )
        for kind in kinds
    ]
    parts = [f"(SELECT array[{counted}] FROM ({beginning(view)}) c)" for view in views]
    team = beginning(InboxView("team", team_id=uuid.UUID(int=0))).replace("%(team)s", "asked.team")
    parts.append(
        f"array(SELECT (SELECT array[{counted}] FROM ({team}) c) "
        "FROM unnest(%(teams)s::uuid[]) WITH ORDINALITY asked (team, n) ORDER BY n)"
    )
    return f"SELECT {', '.join((*parts, *more))}"
