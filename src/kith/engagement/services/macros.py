"""Macros: several steps by one key, all of them or none, with one undo."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.ids import new_id
from kith.conversations.services import actions
from kith.conversations.services.actions import Done
from kith.core import audit
from kith.core.fields import as_uuid
from kith.engagement.errors import EngagementError
from kith.engagement.selectors import macros
from kith.engagement.services.replies import text_resolve
from kith.teams.errors import NotAllowed
from kith.teams.types import Viewer

Step = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MacroResult:
    """What the steps changed, undone by `actions_undo(viewer, done.batch_id)`; `reply_text` is put into the reply box.

    A macro never sends: people answer people.
    """

    done: Done
    reply_text: str


def _when(step: Step) -> Any:
    return now() + timedelta(hours=max(1, min(int(step["hours"]), 24 * 365)))


STEPS: dict[str, Callable[[Viewer, Sequence[uuid.UUID], Step, uuid.UUID], Done]] = {
    "tag": lambda v, ids, s, b: actions.conversations_tag(v, ids, add=[s["tag"]], batch_id=b),
    "untag": lambda v, ids, s, b: actions.conversations_tag(v, ids, remove=[s["tag"]], batch_id=b),
    "assign": lambda v, ids, s, b: actions.conversations_assign(v, ids, assignee_id=_user(v, s), batch_id=b),
    "team": lambda v, ids, s, b: actions.conversations_assign_team(
        v, ids, team_id=as_uuid(s["team"]), batch_id=b
    ),
    "priority": lambda v, ids, s, b: actions.conversations_set_priority(
        v, ids, priority=int(s["priority"]), batch_id=b
    ),
    "snooze": lambda v, ids, s, b: actions.conversations_snooze(v, ids, until=_when(s), batch_id=b),
    "close": lambda v, ids, s, b: actions.conversations_close(v, ids, batch_id=b),
    "reopen": lambda v, ids, s, b: actions.conversations_reopen(v, ids, batch_id=b),
}


def _user(viewer: Viewer, step: Step) -> uuid.UUID | None:
    wanted = step.get("user") or step.get("assignee") or step.get("assign") or "me"
    return viewer.user_id if wanted == "me" else as_uuid(str(wanted))


def _step(viewer: Viewer, ids: Sequence[uuid.UUID], step: Step, batch: uuid.UUID) -> tuple[uuid.UUID, ...]:
    try:
        return STEPS[step["do"]](viewer, ids, step, batch).entry_ids
    except (KeyError, TypeError) as error:
        raise EngagementError(_("A step of this macro is not complete.")) from error


@transaction.atomic
def macro_run(viewer: Viewer, macro_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> MacroResult:
    """Do all steps on conversations, or none of them. A note is not undone; it stands in the history."""
    row = next((m for m in macros(viewer) if m.pk == macro_id), None)
    if row is None:
        raise NotAllowed(_("You may not use this."))
    batch = new_id()
    entries: list[uuid.UUID] = []
    replies: list[str] = []
    for step in row.steps:
        if step["do"] == "reply":
            one = ids[0] if len(ids) == 1 else None
            replies.append(text_resolve(viewer, step["text"], conversation_id=one))
        elif step["do"] == "note":
            for key in ids:
                actions.note_add(
                    viewer, key, text=text_resolve(viewer, step["text"], conversation_id=key), mentions=()
                )
        else:
            entries += _step(viewer, ids, step, batch)
    audit.record("macro_run", "macro", row.pk, conversations=len(ids))
    return MacroResult(Done(batch, tuple(ids), tuple(entries)), "\n\n".join(replies))
