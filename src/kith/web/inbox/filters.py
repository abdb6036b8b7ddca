"""What narrows a list down: read from the address, shown as chips, chosen in a panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf.locale import LANG_INFO
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kith.contacts.models import Tag
from kith.core.fields import as_uuid
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.teams.models import User
from kith.teams.selectors import colleagues
from kith.teams.types import Viewer
from kith.understanding.labels import RANK
from kith.web.understanding.words import filter_options
from kith.workspace.inbox_view import PRIORITIES, InboxView, waiting_parse

PARAMS = ("channel", "tag", "label", "assignee", "language", "waiting", "priority", "visibility", "unread")
LANGUAGES = (
    "en", "de", "es", "fr", "it", "pt", "nl", "da", "sv", "nb", "fi", "pl", "cs", "uk", "tr", "el", "ar", "ja", "zh-hans", "ko",
)  # fmt: skip
WAITS = ("1h", "4h", "1d", "3d", "7d")


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A filter that is on, in words; `name` is its parameter, to leave out."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class FilterField:
    """One choice of the panel: (value, text) pairs, the first for no filter."""

    name: str
    label: str
    options: list[tuple[str, str]]
    value: str


def filters_of(values: Mapping[str, str]) -> dict[str, str]:
    """The filters that an address names, without empty ones."""
    return {
        name: value[:120] for name in PARAMS if (value := values.get(name, "").replace("\x00", "").strip())
    }


def narrowed(view: InboxView, filters: Mapping[str, str], viewer: Viewer) -> InboxView:
    """The view with these filters on; what is not understood narrows nothing."""
    changes: dict[str, Any] = {}
    who = filters.get("assignee", "")
    if who == "none":
        changes["unassigned"] = True
    elif found := viewer.user_id if who == "me" else as_uuid(who):
        changes["assignee_id"] = found
    if tag := filters.get("tag"):
        changes["tags"] = (*view.tags, tag)
    if channel := filters.get("channel"):
        changes["network"] = channel.lower()
    if (label := filters.get("label")) in RANK:
        changes["label"] = label
    if language := filters.get("language"):
        changes["language"] = language.lower()
    if span := waiting_parse(filters.get("waiting", "")):
        changes["waiting"] = span
    if (priority := filters.get("priority")) in PRIORITIES:
        changes["priority"] = PRIORITIES[str(priority)]
    if (visibility := filters.get("visibility")) in ("public", "private"):
        changes["visibility"] = visibility
    if filters.get("unread"):
        changes["unread"] = True
    return replace(view, **changes) if changes else view


def language_name(code: str) -> str:
    """A language by its own name."""
    found: Mapping[str, Any] = LANG_INFO.get(code) or LANG_INFO.get(
        {"zh": "zh-hans", "no": "nb"}.get(code, ""), {}
    )
    return str(found.get("name_local", code)).capitalize()


def wait_name(text: str) -> str:
    number = int(text[:-1])
    if text.endswith("h"):
        return ngettext("over %(num)s hour", "over %(num)s hours", number) % {"num": number}
    return ngettext("over %(num)s day", "over %(num)s days", number) % {"num": number}


def _priorities() -> dict[str, str]:
    return {"urgent": _("Urgent"), "high": _("High"), "normal": _("Normal"), "low": _("Low")}


def chips_of(filters: Mapping[str, str]) -> list[FilterChip]:
    """The filters in words. One query where somebody is named."""
    return [FilterChip(name, text) for name, value in filters.items() if (text := _in_words(name, value))]


def _in_words(name: str, value: str) -> str:
    if name == "channel":
        manifest = manifest_of(value.lower())
        return manifest.title if manifest else value
    if name == "assignee":
        if value in ("me", "none"):
            return _("Mine") if value == "me" else _("Nobody's")
        key = as_uuid(value)
        if key is None:
            return ""
        found = User.objects.filter(pk=key).values_list("name", flat=True).first()
        return found or ""
    if name == "language":
        return language_name(value.lower())
    if name == "waiting":
        return _("Waits %(long)s") % {"long": wait_name(value)} if waiting_parse(value) else ""
    fixed = {
        "priority": _priorities(),
        "visibility": {"public": _("Public"), "private": _("Private")},
        "unread": {value: _("Unread")},
        "label": dict(filter_options()),
    }
    return fixed[name].get(value, "") if name in fixed else value


def fields_of(viewer: Viewer, filters: Mapping[str, str]) -> list[FilterField]:
    """The panel. Three queries."""
    used = sorted(set(ChannelAccount.objects.values_list("network", flat=True)))
    networks = [(n, m.title if (m := manifest_of(n)) else n) for n in used]
    tags = [(name, name) for name in Tag.objects.order_by("name").values_list("name", flat=True)[:200]]
    people = [(str(u.pk), u.name) for u in colleagues(viewer) if u.pk != viewer.user_id]
    languages = [
        (code.split("-")[0] if code.startswith("zh") else code, language_name(code)) for code in LANGUAGES
    ]
    anything = ("", _("Any"))
    made = [
        ("channel", _("Channel"), networks),
        ("tag", _("Tag"), tags),
        ("label", _("What they say"), filter_options()),
        ("assignee", _("Whose"), [("me", _("Mine")), ("none", _("Nobody's")), *people]),
        ("waiting", _("Waits"), [(text, wait_name(text)) for text in WAITS]),
        ("language", _("Language"), languages),
        ("priority", _("Priority"), list(_priorities().items())),
        ("visibility", _("Who can read it"), [("public", _("Public")), ("private", _("Private"))]),
        ("unread", _("Read"), [("1", _("Unread"))]),
    ]
    return [
        FilterField(name, label, [anything, *options], filters.get(name, "")) for name, label, options in made
    ]
