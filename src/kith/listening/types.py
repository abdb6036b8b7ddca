"""What `listening` gives."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from kith.conversations.models import Post
from kith.listening.models import Monitor


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """A monitor with what it found: `today` since midnight, `week` in seven days, `open` that nobody dealt with (100 at most)."""

    monitor: Monitor
    today: int
    week: int
    open: int


@dataclass(frozen=True, slots=True)
class FoundBy:
    id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class MentionRow:
    """A post with the viewer's monitors that found it; spans of all of them; what was decided."""

    post: Post
    monitors: tuple[FoundBy, ...]
    spans: tuple[tuple[int, int], ...]
    state: str
    assignee_id: uuid.UUID | None
    assignee: str
    conversation_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class MentionView:
    """Which mentions: of one monitor or all, in a state ("" any), of a network, a language, from a day to a day (both in)."""

    monitor_id: uuid.UUID | None = None
    state: str = "open"
    network: str = ""
    language: str = ""
    assignee_id: uuid.UUID | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One question to a network. `lag`: seconds since it was answered last."""

    account: str
    network: str
    words: str
    answered_at: datetime | None
    asked_at: datetime | None
    found: int
    error: str
    failures: int
