"""Reads: those of everyone and of one's own teams."""

from __future__ import annotations

from django.db.models import Q

from kith.core.asking import Ask
from kith.engagement.models import AssignmentRule, Macro, SavedReply, SavedView
from kith.teams.selectors import named
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


_OURS = "(team_id IS NULL OR team_id = ANY (%(teams)s))"


def has_saved_replies_ask(viewer: Viewer) -> Ask:
    """Whether there is any, to be asked together with other lists."""
    select = f"SELECT 1 FROM engagement_savedreply WHERE {_OURS} LIMIT 1"  # noqa: S608  (a constant of this module)
    return Ask(select, {"teams": list(viewer.team_ids)}, bool)


def macros(viewer: Viewer) -> list[Macro]:
    return list(Macro.objects.filter(_shared(viewer)).select_related("team").order_by("name", "id")[:200])


def macros_ask(viewer: Viewer) -> Ask:
    """The same by name alone, to be asked together with others."""
    select = f"SELECT id, name FROM engagement_macro WHERE {_OURS} ORDER BY name, id LIMIT 200"  # noqa: S608  (a constant of this module)
    return Ask(select, {"teams": list(viewer.team_ids)}, named)


def saved_views(viewer: Viewer) -> list[SavedView]:
    """One's own views and those of one's teams, and those that are everyone's."""
    mine = Q(owner_id=viewer.user_id) | Q(owner=None, team=None) | Q(team_id__in=viewer.team_ids)
    return list(SavedView.objects.filter(mine).order_by("position", "name", "id")[:200])


def assignment_rules() -> list[AssignmentRule]:
    """All rules in the order in which they are asked."""
    return list(AssignmentRule.objects.select_related("team", "assignee").order_by("position", "id"))
