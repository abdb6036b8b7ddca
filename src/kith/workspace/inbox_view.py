"""What a list of conversations shows: a view with filters, and its text form that saved views keep."""

from __future__ import annotations

import re
import shlex
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta

from kith.core.fields import as_uuid
from kith.understanding.labels import RANK

KINDS = ("mine", "unassigned", "team", "waiting", "for_me", "all", "snoozed", "closed", "held", "unsent")
STATUSES = {
    "mine": ("open",),
    "unassigned": ("open",),
    "team": ("open",),
    "waiting": ("open",),
    "for_me": ("open", "snoozed", "closed"),
    "all": ("open", "snoozed", "closed"),
    "snoozed": ("snoozed",),
    "closed": ("closed",),
    "held": ("open", "snoozed", "closed"),
    "unsent": ("open", "snoozed", "closed"),
}
WAITS = re.compile(r"(\d{1,3})([hd])")
PRIORITIES = {"low": -1, "normal": 0, "high": 1, "urgent": 2}


@dataclass(frozen=True, slots=True)
class InboxView:
    """One list. `kind` is one of KINDS ("team" needs `team_id`); all filters given must hold.

    "unsent" are conversations with an answer that the gate held, that failed, or that was perhaps sent (`unsent.py`).
    `statuses`: (), those of the kind. `language`: of their newest words, such as "de". `waiting`: for at least so long. `label`: of what waits, or was last said, such as "complaint". `tags` are names. `identity_ids`: those of a person, see `people.identity_family`.
    """

    kind: str = "mine"
    team_id: uuid.UUID | None = None
    reason: str = ""
    statuses: tuple[str, ...] = ()
    assignee_id: uuid.UUID | None = None
    tags: tuple[str, ...] = ()
    priority: int | None = None
    network: str = ""
    visibility: str = ""
    identity_ids: tuple[uuid.UUID, ...] | None = None
    unread: bool = False
    unassigned: bool = False
    language: str = ""
    waiting: timedelta | None = None
    label: str = ""
    problems: tuple[str, ...] = field(default=())

    @property
    def wanted_statuses(self) -> tuple[str, ...]:
        return self.statuses or STATUSES[self.kind]

    @property
    def oldest_first(self) -> bool:
        return self.kind == "waiting"


def view_parse(text: str, *, me: uuid.UUID) -> InboxView:
    """The view that a saved query names, such as `is:open in:all tag:"bad brakes" channel:mail assignee:me`.

    Unknown words are listed in `problems`; they never widen what is shown.
    """
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    view = InboxView(kind="all")
    for word in words:
        key, _, value = word.partition(":")
        changed = _apply(view, key.lower(), value, me)
        view = changed or replace(view, problems=(*view.problems, word))
    return view


def _apply(view: InboxView, key: str, value: str, me: uuid.UUID) -> InboxView | None:
    low = value.lower()
    if key == "in" and low in KINDS and low != "team":
        return replace(view, kind=low)
    if key == "team" and (team := as_uuid(value)):
        return replace(view, kind="team", team_id=team)
    if key == "is" and low in ("open", "snoozed", "closed"):
        return replace(view, statuses=(*view.statuses, low))
    if key == "is" and low == "unread":
        return replace(view, unread=True)
    if key == "is" and low in ("public", "private"):
        return replace(view, visibility=low)
    if key == "held" and value:
        return replace(view, kind="held", reason=low)
    if key == "assignee":
        found = me if low == "me" else as_uuid(value)
        if low == "none":
            return replace(view, kind="unassigned") if view.kind == "all" else replace(view, unassigned=True)
        return replace(view, assignee_id=found) if found else None
    if key == "tag" and value:
        return replace(view, tags=(*view.tags, value))
    if key == "priority" and low in PRIORITIES:
        return replace(view, priority=PRIORITIES[low])
    if key == "channel" and value:
        return replace(view, network=low)
    if key == "language" and re.fullmatch("[a-z]{2,8}", low):
        return replace(view, language=low)
    if key == "label" and low in RANK:
        return replace(view, label=low)
    if key == "waiting" and (span := waiting_parse(low)):
        return replace(view, waiting=span)
    return None


def waiting_parse(text: str) -> timedelta | None:
    """A span such as "4h" or "3d"."""
    match = WAITS.fullmatch(text)
    if match is None:
        return None
    return timedelta(hours=int(match[1])) if match[2] == "h" else timedelta(days=int(match[1]))


def waiting_text(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours}h" if hours % 24 else f"{hours // 24}d"


def view_text(view: InboxView) -> str:
    """The text form that `view_parse` reads, for saving; a person filter has none."""
    parts = [f"team:{view.team_id}"] if view.kind == "team" else [f"in:{view.kind}"]
    parts += [f"held:{view.reason}"] if view.reason else []
    parts += [f"is:{status}" for status in view.statuses]
    parts += ["is:unread"] if view.unread else []
    parts += [f"is:{view.visibility}"] if view.visibility else []
    parts += [f"assignee:{view.assignee_id}"] if view.assignee_id else []
    parts += ["assignee:none"] if view.unassigned else []
    parts += [f"tag:{shlex.quote(tag)}" for tag in view.tags]
    parts += [f"priority:{name}" for name, number in PRIORITIES.items() if number == view.priority]
    parts += [f"channel:{view.network}"] if view.network else []
    parts += [f"language:{view.language}"] if view.language else []
    parts += [f"label:{view.label}"] if view.label else []
    parts += [f"waiting:{waiting_text(view.waiting)}"] if view.waiting else []
    return " ".join(parts)
