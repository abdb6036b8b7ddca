"""What stands around every screen, in one statement: the company, teams, saved views, and how many wait in each view."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from kith.teams.notifications import UNREAD_COLUMN
from kith.teams.types import Viewer
from kith.workspace.inbox import InboxCounts, inbox_counts_with

_FRAME = (
    "(SELECT value FROM core_companyvalue WHERE key = 'name')",
    "array(SELECT array[id::text, name] FROM teams_team WHERE id = ANY (%(teams)s) ORDER BY name)",
    "array(SELECT array[id::text, name] FROM engagement_savedview "
    "WHERE owner_id = %(me)s OR team_id = ANY (%(teams)s) OR (owner_id IS NULL AND team_id IS NULL) ORDER BY position, name LIMIT 20)",
    UNREAD_COLUMN,
    "EXISTS (SELECT 1 FROM listening_monitor WHERE state <> 'removed' AND scope_id = ANY (%(scopes)s))",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A team or a saved view in the navigation."""

    id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class Frame:
    counts: InboxCounts
    company: str
    teams: tuple[Entry, ...]
    saved_views: tuple[Entry, ...]
    unread: int  # notifications, counted up to 100
    listens: bool  # there is a search of public talk that they may see


def frame_of(viewer: Viewer) -> Frame:
    counts, (company, teams, views, unread, listens) = inbox_counts_with(viewer, *_FRAME)
    return Frame(
        counts=counts,
        company=str(company or ""),
        teams=tuple(Entry(uuid.UUID(key), name) for key, name in teams),
        saved_views=tuple(Entry(uuid.UUID(key), name) for key, name in views),
        unread=unread,
        listens=bool(listens),
    )
