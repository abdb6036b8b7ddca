"""Where the command palette leads: every list, every saved view, every screen that the user may open."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from kith.contacts.names import sort_key
from kith.engagement.selectors import saved_views
from kith.teams.models import Team
from kith.teams.types import Viewer
from kith.web.inbox.words import VIEW_ICONS, view_names

MOST = 8
KEYS = {
    "mine": "g m",
    "unassigned": "g u",
    "waiting": "g w",
    "for_me": "g f",
    "snoozed": "g s",
    "held": "g h",
}


@dataclass(frozen=True, slots=True)
class Command:
    """`href` leads somewhere; `press` names what on the page is clicked."""

    text: str
    icon_name: str
    href: str = ""
    key: str = ""
    press: str = ""


def commands(viewer: Viewer, text: str) -> list[Command]:
    """Commands whose words begin with all words typed; without any, the most wanted."""
    words = sort_key(text).split()
    return [c for c in _every(viewer) if _fits(c.text, words)][: MOST if words else MOST + 2]


def _fits(title: str, words: list[str]) -> bool:
    parts = sort_key(title).split()
    return all(any(part.startswith(word) for part in parts) for word in words)


def _every(viewer: Viewer) -> list[Command]:
    found = [
        Command(_("Go to the inbox"), icon_name="inbox", href=reverse("inbox"), key="g i"),
        Command(_("Go to people"), icon_name="users", href=reverse("people"), key="g p"),
        Command(_("Go to today"), icon_name="sun", href=reverse("today"), key="g t"),
        Command(_("Listen to public talk"), icon_name="ear", href=reverse("listening"), key="g e"),
        Command(_("Notifications"), icon_name="bell", href=reverse("notifications"), key="g n"),
    ]
    if viewer.may_write:
        found.append(Command(_("Write to somebody"), icon_name="pen-line", href=reverse("write"), key="c"))
    found += [
        Command(name, VIEW_ICONS[key], href=reverse("inbox_view", args=[key]), key=KEYS.get(key, ""))
        for key, name in view_names().items()
        if key != "inbox"
    ]
    found += [
        Command(team.name, icon_name="users-round", href=reverse("inbox_view", args=[f"team-{team.pk}"]))
        for team in Team.objects.filter(pk__in=viewer.team_ids).order_by("name")
    ]
    found += [
        Command(view.name, icon_name="list-filter", href=reverse("inbox_view", args=[f"saved-{view.pk}"]))
        for view in saved_views(viewer)
    ]
    return [
        *found,
        Command(_("Search everything, all time"), icon_name="search", href=reverse("search"), key="/"),
        Command(_("Keyboard"), icon_name="keyboard", press="[data-dialog=help]", key="?"),
        Command(_("Your notifications' settings"), icon_name="bell", href=reverse("account:notifications")),
        Command(_("Settings"), icon_name="settings", href=reverse("account:profile")),
    ]
