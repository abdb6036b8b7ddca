"""Ctrl+K: jump to people, conversations, views and actions by a few letters."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kith.contacts.names import sort_key
from kith.contacts.selectors import people_search
from kith.engagement.selectors import macros, saved_views
from kith.teams.models import Team
from kith.teams.types import Viewer
from kith.workspace.search import search_messages


@dataclass(frozen=True, slots=True)
class PaletteItem:
    """`kind`: action, view, person, organization, identity, conversation, macro or search. `path` is where it leads;
    "" for an action on the conversation on screen, which the screen knows by `id`. Matches stand between the marks of
    `search`."""

    kind: str
    id: str
    title: str
    hint: str
    path: str


VIEWS: dict[str, Any] = {
    "mine": gettext_lazy("Mine"),
    "unassigned": gettext_lazy("Unassigned"),
    "waiting": gettext_lazy("Waiting longest"),
    "for_me": gettext_lazy("For me"),
    "all": gettext_lazy("All"),
    "snoozed": gettext_lazy("Snoozed"),
    "closed": gettext_lazy("Closed"),
    "held": gettext_lazy("Held back"),
}
PAGES: dict[str, tuple[Any, str]] = {
    "today": (gettext_lazy("Today"), "/today/"),
    "people": (gettext_lazy("People"), "/people/"),
    "inbox": (gettext_lazy("Inbox"), "/inbox/"),
    "settings": (gettext_lazy("Settings"), "/settings/"),
}
ACTIONS: dict[str, Any] = {
    "reply": gettext_lazy("Reply"),
    "note": gettext_lazy("Write a note"),
    "assign_me": gettext_lazy("Assign to me"),
    "close": gettext_lazy("Close the conversation"),
    "snooze": gettext_lazy("Snooze"),
    "tag": gettext_lazy("Add a tag"),
    "spam": gettext_lazy("Mark as spam"),
    "join": gettext_lazy("Join with another conversation"),
}
LEADS_TO = {
    "person": "/people/{id}/",
    "organization": "/people/?organization={id}",
    "identity": "/people/of/{id}/",
}
WRITES = {"write": (gettext_lazy("Write to somebody"), "/inbox/write/")}


def palette(
    viewer: Viewer, text: str, *, conversation_id: uuid.UUID | None = None, limit: int = 20
) -> tuple[PaletteItem, ...]:
    """What a few letters may mean, best first; without letters, where one may go and what one may do."""
    words = sort_key(text).split()
    items = _fixed(viewer, words, conversation_id)
    if not words:
        return tuple(items[:limit])
    people = [
        PaletteItem(
            hit.kind,
            str(hit.id),
            hit.name,
            hit.hint,
            {"person": "/people/", "organization": "/organizations/", "identity": "/people/identity/"}[
                hit.kind
            ]
            + f"{hit.id}/",
        )
        for hit in people_search(text, limit=6, with_strangers=False)
    ]
    talk = [
        PaletteItem(
            "conversation",
            str(hit.conversation_id),
            hit.subject or hit.snippet,
            hit.name,
            f"/inbox/{hit.conversation_id}/?around={hit.message_id}",
        )
        for hit in search_messages(viewer, text, limit=6).hits
    ]
    seen: set[str] = set()
    talk = [item for item in talk if not (item.id in seen or seen.add(item.id))]  # type: ignore[func-returns-value]
    return tuple([*items[:6], *people, *talk][:limit])


def _fixed(viewer: Viewer, words: list[str], conversation_id: uuid.UUID | None) -> list[PaletteItem]:
    """Actions, views and pages whose every typed word begins one of their words."""
    found: list[PaletteItem] = []
    if conversation_id is not None and viewer.may_write:
        found += [
            PaletteItem("action", key, str(title), _("Conversation"), "") for key, title in ACTIONS.items()
        ]
        found += [PaletteItem("macro", str(m.pk), m.name, _("Macro"), "") for m in macros(viewer)]
    if viewer.may_write:
        found += [PaletteItem("action", key, str(title), "", path) for key, (title, path) in WRITES.items()]
    found += [
        PaletteItem("view", key, str(title), _("View"), f"/inbox/{key}/") for key, title in VIEWS.items()
    ]
    found += [
        PaletteItem("view", f"team-{key}", name, _("Team"), f"/inbox/team-{key}/")
        for key, name in Team.objects.filter(pk__in=viewer.team_ids)
        .order_by("name")
        .values_list("pk", "name")
    ]
    found += [
        PaletteItem("view", f"saved-{v.pk}", v.name, _("Saved view"), f"/inbox/saved-{v.pk}/")
        for v in saved_views(viewer)
    ]
    found += [PaletteItem("view", key, str(title), "", path) for key, (title, path) in PAGES.items()]
    return [item for item in found if _fits(item.title, words)]


def _fits(title: str, words: list[str]) -> bool:
    parts = sort_key(title).split()
    return all(any(part.startswith(word) for part in parts) for word in words)
