"""Reads: those of everyone and of one's own teams."""

from __future__ import annotations

from django.db.models import Q

from kith.engagement.models import AssignmentRule, Macro, SavedReply, SavedView
from kith.teams.types import Viewer


def _shared(viewer: Viewer) -> Q:
    return Q(team=None) | Q(team_id__in=viewer.team_ids)


def saved_replies(viewer: Viewer, *, search: str = "", language: str = "") -> list[SavedReply]:
    """Saved replies by name, or by shortcut and words; those in `language` (and of none) only, when given."""
    rows = SavedReply.objects.filter(_shared(viewer))
    for word in search.split()[:6]:
        rows = rows.filter(
            Q(name__icontains=word) | Q(shortcut__istartswith=word.lstrip("/")) | Q(text__icontains=word)
        )
    if language:
        rows = rows.filter(Q(language="") | Q(language__istartswith=language[:2]))
    return list(rows.select_related("team").order_by("name", "id")[:200])


def has_saved_replies(viewer: Viewer) -> bool:
    return SavedReply.objects.filter(_shared(viewer)).exists()


def macros(viewer: Viewer) -> list[Macro]:
    return list(Macro.objects.filter(_shared(viewer)).select_related("team").order_by("name", "id")[:200])


def saved_views(viewer: Viewer) -> list[SavedView]:
    """One's own views and those of one's teams, and those that are everyone's."""
    mine = Q(owner_id=viewer.user_id) | Q(owner=None, team=None) | Q(team_id__in=viewer.team_ids)
    return list(SavedView.objects.filter(mine).order_by("position", "name", "id")[:200])


def assignment_rules() -> list[AssignmentRule]:
    """All rules in the order in which they are asked."""
    return list(AssignmentRule.objects.select_related("team", "assignee").order_by("position", "id"))
