# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""The inbox's lists: one page of rows, and how many stand in each view. Raw SQL, keyset pages, law 11 in each query."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from kith.base.clock import now
from kith.base.keyset import cursor_decode, cursor_encode
from kith.contacts.names import initials, person_name
from kith.teams.types import Viewer
from kith.workspace.inbox_view import InboxView, view_parse, view_text
from kith.workspace.unsent_sql import UNSENT_COUNT

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
WIDE = {"unassigned", "waiting", "all", "snoozed", "closed", "held"}


@dataclass(frozen=True, slots=True)
class TagChip:
    id: uuid.UUID
    name: str
    color: str


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One conversation in a list, as its newest visible scope shows it."""

    conversation_id: uuid.UUID
    scope_id: uuid.UUID
    status: str
    name: str
    initials: str
    avatar: str
    identity_id: uuid.UUID | None
    contact_id: uuid.UUID | None
    subject: str
    snippet: str
    networks: tuple[str, ...]
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
    tray: str


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


_HYDRATE = """
SELECT cs.conversation_id, cs.scope_id, cs.status, cs.identity_id, k.id, k.name, k.preferred_name, k.family_name,
       coalesce(nullif(k.avatar, ''), i.avatar, ''), i.display_name, i.handle, i.external_id,
       cs.subject, cs.snippet, cs.networks, cs.is_public, cs.last_at, cs.last_direction, cs.waiting_since,
       cs.snoozed_until, cs.assignee_id, coalesce(u.name, ''), cs.team_id, cs.priority, cs.message_count, cs.tray,
       cs.status = 'open' AND cs.last_direction = 'in' AND coalesce(seen.at < cs.last_at, true),
       (SELECT json_agg(json_build_array(t.id, t.name, t.color) ORDER BY t.name) FROM conversations_conversationtag ct
        JOIN contacts_tag t ON t.id = ct.tag_id WHERE ct.conversation_id = cs.conversation_id)
FROM conversations_conversationscope cs
LEFT JOIN contacts_identity i ON i.id = cs.identity_id
LEFT JOIN contacts_contact a ON a.id = i.contact_id
LEFT JOIN contacts_contact k ON k.id = a.canonical_id AND k.deleted_at IS NULL
LEFT JOIN teams_user u ON u.id = cs.assignee_id
LEFT JOIN conversations_seen seen ON seen.conversation_id = cs.conversation_id AND seen.user_id = %(me)s
WHERE cs.id = ANY (%(ids)s)
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
    """One page of a view: newest first, those who wait longest first in "waiting". Two queries at any depth and size."""
    query = _query(viewer, view)
    after = cursor_decode(cursor)
    query.params["limit"] = limit + 1
    if after is not None:
        query.params["at"], query.params["key"] = after
    sql = _list_sql(
        query, view, after=after is not None, columns=f"b.id, b.conversation_id, b.{query.compare}"
    )
    with connection.cursor() as db:
        db.execute(sql, query.params)
        found = db.fetchall()
    rows = inbox_rows(viewer, [row[0] for row in found[:limit]])
    more = len(found) > limit
    return InboxPage(rows, cursor_encode(found[limit - 1][2], found[limit - 1][1]) if more else None)


def inbox_rows(viewer: Viewer, row_ids: list[int]) -> tuple[InboxRow, ...]:
    """Rows of ConversationScope, in the order of `row_ids`, with names, tags and assignees. One query.

    The caller has checked that the viewer may see them.
    """
    if not row_ids:
        return ()
    with connection.cursor() as db:
        db.execute(
            _HYDRATE.replace("SELECT cs.conv", "SELECT cs.id, cs.conv", 1),
            {"me": viewer.user_id, "ids": row_ids},
        )
        found = {row[0]: _row(row[1:]) for row in db.fetchall()}
    return tuple(found[key] for key in row_ids if key in found)


def _row(row: tuple[Any, ...]) -> InboxRow:
    (
        conversation,
        scope,
        status,
        identity,
        contact,
        name,
        preferred,
        family,
        avatar,
        display,
        handle,
        external,
    ) = row[:12]
    (
        subject,
        snippet,
        networks,
        public,
        last_at,
        direction,
        waiting,
        snoozed,
        assignee_id,
        assignee,
        team,
    ) = row[12:23]
    priority, count, tray, unread, tags = row[23:]
    shown = person_name(
        preferred=preferred or "",
        family=family or "",
        name=name or "",
        display=display or "",
        handle=handle or "",
        external_id=external or "",
    )
    return InboxRow(
        conversation_id=conversation,
        scope_id=scope,
        status=status,
        name=shown,
        initials=initials(shown),
        avatar=avatar,
        identity_id=identity,
        contact_id=contact,
        subject=subject,
        snippet=snippet,
        networks=tuple(networks),
        is_public=public,
        last_at=last_at,
        last_direction=direction,
        waiting_since=waiting,
        snoozed_until=snoozed,
        assignee_id=assignee_id,
        assignee=assignee,
        team_id=team,
        unread=unread,
        tags=tuple(TagChip(uuid.UUID(t[0]), t[1], t[2]) for t in tags or ()),
        priority=priority,
        message_count=count,
        tray=tray,
    )


def inbox_counts(viewer: Viewer) -> InboxCounts:
    """How many stand in each view, each counted up to 100. One query, hardly ever two."""
    views = {kind: InboxView(kind) for kind in ("mine", "unassigned", "waiting", "for_me", "snoozed", "held")}
    views["for_me"] = InboxView("for_me", statuses=("open",))
    views["inbox"] = InboxView("all", statuses=("open",))
    for team in viewer.team_ids:
        views[str(team)] = InboxView("team", team_id=team)
    # Asking of each row whether its conversation stood in another scope before takes most of the time: so count among
    # twice as many rows those that differ, and ask only where so many repeat that this does not tell.
    found = _counted(viewer, views, repeats=True)
    unsent = found.pop("unsent")[0]
    numbers = {name: min(differ, COUNT_CAP) for name, (_read, differ) in found.items()}
    unsure = {
        name: view
        for name, view in views.items()
        if found[name][0] == 2 * COUNT_CAP and numbers[name] < COUNT_CAP
    }
    if unsure:
        numbers |= {name: n for name, (n, _) in _counted(viewer, unsure, repeats=False).items()}
    return InboxCounts(
        inbox=numbers["inbox"],
        mine=numbers["mine"],
        unassigned=numbers["unassigned"],
        waiting=numbers["waiting"],
        for_me=numbers["for_me"],
        snoozed=numbers["snoozed"],
        held=numbers["held"],
        unsent=unsent,
        teams={team: numbers[str(team)] for team in viewer.team_ids},
    )


def _counted(viewer: Viewer, views: Mapping[str, InboxView], *, repeats: bool) -> dict[str, tuple[int, int]]:
    """(rows, conversations) of each view's beginning."""
    parts: list[str] = []
    params: dict[str, Any] = {"limit": 2 * COUNT_CAP if repeats else COUNT_CAP}
    for number, view in enumerate(views.values()):
        query = _query(viewer, view)
        sql = _list_sql(query, view, after=False, columns="b.conversation_id", repeats=repeats)
        for name in ("statuses", "team"):
            if name in query.params:
                sql = sql.replace(f"%({name})s", f"%({name}{number})s")
                params[f"{name}{number}"] = query.params.pop(name)
        params.update(query.params)
        parts.append(f"(SELECT array[count(*), count(DISTINCT conversation_id)] FROM ({sql}) c{number})")
    names = list(views)
    if repeats:
        parts.append(f"(SELECT array[count(*), count(*)] FROM ({UNSENT_COUNT}) unsent)")
        params |= {"scopes": list(viewer.scope_ids), "cap": COUNT_CAP}
        names.append("unsent")
    with connection.cursor() as db:
        db.execute("SELECT " + ", ".join(parts), params)
        return {name: (row[0], row[1]) for name, row in zip(names, db.fetchone(), strict=True)}
