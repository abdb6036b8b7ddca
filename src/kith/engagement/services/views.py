"""Saved views: a list of conversations by name."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from kith.engagement.errors import EngagementError
from kith.engagement.models import SavedView
from kith.engagement.selectors import saved_views
from kith.teams.errors import NotAllowed
from kith.teams.types import Viewer


@dataclass(frozen=True, slots=True)
class SavedViewKept:
    """A deleted view, for its undo."""

    id: uuid.UUID
    name: str
    query: str
    position: int
    team_id: uuid.UUID | None


@transaction.atomic
def saved_view_save(
    viewer: Viewer,
    *,
    name: str,
    query: str,
    team_id: uuid.UUID | None = None,
    view_id: uuid.UUID | None = None,
) -> SavedView:
    """Keep a query of the inbox under a name: one's own, or a team's."""
    title, text = " ".join(name.split())[:120], " ".join(query.replace("\x00", " ").split())[:500]
    if not title or not text:
        raise EngagementError(_("A name is needed."), field="name")
    if team_id is not None and (team_id not in viewer.team_ids or not viewer.may_write):
        raise NotAllowed(_("You are not in this team."))
    if view_id is None:
        row = SavedView(owner_id=viewer.user_id, position=_last(viewer) + 1)
    else:
        row = _own(viewer, view_id)
    row.name, row.query, row.team_id = title, text, team_id
    row.owner_id = None if team_id else viewer.user_id
    row.save()
    return row


def _own(viewer: Viewer, view_id: uuid.UUID) -> SavedView:
    row = next((v for v in saved_views(viewer) if v.pk == view_id), None)
    if row is None or (row.owner_id != viewer.user_id and not viewer.may_write):
        raise NotAllowed(_("You may not change this."))
    return row


def _last(viewer: Viewer) -> int:
    return max((view.position for view in saved_views(viewer)), default=0)


@transaction.atomic
def saved_view_delete(viewer: Viewer, view_id: uuid.UUID) -> SavedViewKept:
    """Returns what `saved_view_restore` needs to bring it back."""
    row = _own(viewer, view_id)
    kept = SavedViewKept(row.pk, row.name, row.query, row.position, row.team_id)
    row.delete()
    return kept


@transaction.atomic
def saved_view_restore(viewer: Viewer, kept: SavedViewKept) -> None:
    """Bring a deleted view back under its id. Raises NotAllowed for a team's that the viewer is not in any more."""
    if kept.team_id is not None and (kept.team_id not in viewer.team_ids or not viewer.may_write):
        raise NotAllowed(_("You are not in this team."))
    SavedView.objects.get_or_create(
        pk=kept.id,
        defaults={
            "name": kept.name,
            "query": kept.query,
            "position": kept.position,
            "team_id": kept.team_id,
            "owner_id": None if kept.team_id else viewer.user_id,
        },
    )


@transaction.atomic
def saved_view_move(viewer: Viewer, view_id: uuid.UUID, *, by: int) -> None:
    """Earlier (-1) or later (1) among the views that the viewer sees; a team's order is everyone's in it."""
    _own(viewer, view_id)
    rows = saved_views(viewer)
    at = next(i for i, row in enumerate(rows) if row.pk == view_id)
    rows.insert(max(0, min(len(rows) - 1, at + by)), rows.pop(at))
    for position, row in enumerate(rows):
        if row.position != position:
            SavedView.objects.filter(pk=row.pk).update(position=position)
