"""Saved views: a list of conversations by name."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils.translation import gettext as _

from kith.engagement.errors import EngagementError
from kith.engagement.models import SavedView
from kith.engagement.selectors import saved_views
from kith.teams.errors import NotAllowed
from kith.teams.types import Viewer


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
    row = SavedView(owner_id=viewer.user_id)
    if view_id is not None:
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


@transaction.atomic
def saved_view_delete(viewer: Viewer, view_id: uuid.UUID) -> None:
    _own(viewer, view_id).delete()
