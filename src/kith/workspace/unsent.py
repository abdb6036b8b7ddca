"""The list "Held back": answers that the gate held, that failed, or that nobody knows to have arrived."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from kith.base.keyset import cursor_decode, cursor_encode
from kith.core import sql
from kith.teams.types import Viewer
from kith.workspace.inbox import InboxPage, inbox_rows
from kith.workspace.unsent_sql import UNSENT_PAGE


@dataclass(frozen=True, slots=True)
class Unsent:
    """The newest answer of a conversation that did not go out. `state`: held, failed or unknown (perhaps sent).

    `why` is the gate's sentence (with `until`), or what the other side said; `number` counts such answers.
    """

    message_id: uuid.UUID
    state: str
    at: datetime
    text: str
    number: int
    why: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class UnsentPage:
    page: InboxPage
    unsent: dict[uuid.UUID, Unsent]


def unsent_page(viewer: Viewer, *, cursor: str | None = None, limit: int = 50) -> UnsentPage:
    """Conversations with such answers that the viewer may see, newest first. Two queries."""
    after = cursor_decode(cursor)
    found = sql.rows(
        UNSENT_PAGE,
        {
            "scopes": list(viewer.scope_ids),
            "at": after[0] if after else None,
            "key": after[1] if after else None,
            "limit": limit + 1,
        },
    )
    shown = found[:limit]
    rows = inbox_rows(viewer, [row[1] for row in shown])
    more = len(found) > limit
    next_cursor = cursor_encode(shown[-1][4], shown[-1][0]) if more else None
    unsent = {
        row[0]: Unsent(row[2], row[3], row[4], " ".join(row[5].split()), row[6], row[7] or row[9], row[8])
        for row in shown
    }
    return UnsentPage(InboxPage(rows, next_cursor), unsent)
