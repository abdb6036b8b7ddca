"""One row of the audit log as a reader finds it: who did what, to whom, and what was said with it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kith.channels.webhooks_out import TITLES
from kith.contacts.models import Fact, IdentityLink
from kith.conversations.models import Conversation
from kith.core.fields import as_uuid
from kith.core.models import AuditEvent
from kith.networks.selectors import manifest_of
from kith.teams.models import Role, Scope
from kith.web.account.forms import permission_words
from kith.web.inbox.words import tray_name
from kith.web.settings.audit.words import DETAILS, EXACTLY, SENTENCES
from kith.work.models import Note
from kith.workspace.audit_log import Named
from kith.workspace.people_facts import LABELS

_WHO = "\x00"
SCREENS = {
    "contact": "person",
    "organization": "organization",
    "conversation": "conversation",
    "user": "settings:person",
    "team": "settings:team",
    "channel_account": "settings:channel",
}
# What a change names by its column.
FIELDS: dict[str, Any] = {
    **LABELS,
    "about": gettext_lazy("About it"),
    "acknowledge": gettext_lazy("Confirm that it arrived"),
    "acknowledgement": gettext_lazy("The confirmation's words"),
    "assign": gettext_lazy("Who has it"),
    "assignee_id": gettext_lazy("Who does it"),
    "avatar": gettext_lazy("Picture"),
    "away": gettext_lazy("Being away"),
    "block": gettext_lazy("Blocked"),
    "details": gettext_lazy("Details"),
    "domain": gettext_lazy("Mail domain"),
    "due_at": gettext_lazy("When it is due"),
    "intake": gettext_lazy("What comes in"),
    "interest": gettext_lazy("Interest"),
    "join": gettext_lazy("Joined"),
    "move": gettext_lazy("Moved messages"),
    "note": gettext_lazy("Note"),
    "outgoing_name": gettext_lazy("Name in answers"),
    "paused_until": gettext_lazy("Pause"),
    "per_month": gettext_lazy("How often"),
    "preferences": gettext_lazy("Preferences"),
    "priority": gettext_lazy("Priority"),
    "public_url": gettext_lazy("Public address"),
    "settings": gettext_lazy("Sign-in of the channel"),
    "signature": gettext_lazy("Signature"),
    "split": gettext_lazy("Split"),
    "status": gettext_lazy("Status"),
    "tags": gettext_lazy("Tags"),
    "team": gettext_lazy("Team"),
    "team_id": gettext_lazy("Team"),
    "theme": gettext_lazy("Theme"),
    "title": gettext_lazy("Title"),
    "tray": gettext_lazy("Set aside"),
    "website": gettext_lazy("Website"),
}
COUNTS: dict[str, Any] = {
    "read": gettext_lazy("read"),
    "visible": gettext_lazy("in the inbox"),
    "unreadable": gettext_lazy("unreadable"),
    "skipped": gettext_lazy("there already"),
    "erased": gettext_lazy("not brought back after an erasure"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """`before` and `after` stand around `who`; `about` is whom or what it was done to, at `href` if one may look."""

    id: uuid.UUID
    at: datetime
    who: str
    before: str
    after: str
    about: str
    href: str
    details: tuple[tuple[str, str], ...]
    address: str
    action: str
    raw: str


def told(event: AuditEvent, names: Mapping[uuid.UUID, Named]) -> Told:
    exact, used = _exactly(event)
    before, _who, after = (exact or sentence_of(event.action, _WHO)).partition(_WHO)
    it = names.get(event.subject_id) if event.subject_id else None
    details = []
    for key, value in sorted(event.details.items(), key=lambda item: (item[0] == "after", item[0])):
        label = DETAILS.get(key, key.replace("_", " "))
        words = "" if value in (None, "", [], {}) else _words(event.action, key, value, names)
        if label and words and key != used and words != (it.text if it else None):
            details.append((str(label), words))
    return Told(
        event.id,
        event.at,
        event.actor_name or _("Kith"),
        before,
        after,
        it.text if it else "",
        reverse(SCREENS[it.kind], args=[it.id]) if it and it.kind else "",
        tuple(details),
        event.address or "",
        event.action,
        json.dumps(event.details, ensure_ascii=False, sort_keys=True) if event.details else "",
    )


def _exactly(event: AuditEvent) -> tuple[str, str]:
    """The sentence that a detail makes of an action, and which detail that was; ("", "") where none does."""
    for (action, key), sentences in EXACTLY.items():
        if action == event.action and (text := sentences.get(str(event.details.get(key)))):
            return str(text) % {"who": _WHO}, key
    return "", ""


def sentence_of(action: str, who: str) -> str:
    """What an action is in words; an older Kith's action, which nobody knows any more, by its own name."""
    if text := SENTENCES.get(action):
        return str(text) % {"who": who}
    return f"{who}: {action.replace('_', ' ')}"


def _label(choices: Any) -> Callable[[str], str]:
    known = dict(choices.choices)
    return lambda value: str(known.get(value, value))


_sources, _bases, _notes = _label(Fact.Source), _label(IdentityLink.Basis), _label(Note.Kind)
_roles, _circles, _states = _label(Role), _label(Scope.Kind), _label(Conversation.Status)


def _priority(value: Any) -> str:
    return str(dict(Conversation.Priority.choices).get(value, value))


def _tray(value: Any) -> str:
    return tray_name(str(value)) if value else _("Inbox")


def _network(value: str) -> str:
    manifest = manifest_of(value)
    return manifest.title if manifest else value


# (action or "", detail) -> its words; the first that fits.
_SPECIAL: dict[tuple[str, str], Callable[[Any], str]] = {
    ("conversation_status", "to"): _states,
    ("conversation_priority", "to"): _priority,
    ("conversation_tray", "to"): _tray,
    ("note_written", "kind"): _notes,
    ("note_changed", "kind"): _notes,
    ("note_deleted", "kind"): _notes,
    ("role_changed", "before"): _roles,
    ("role_changed", "after"): _roles,
    ("suppression_lifted", "reason"): lambda value: _("taken back at once") if value == "undone" else value,
    ("suppression_added", "channel"): lambda value: _("every channel") if value == "all" else _network(value),
    ("", "source"): _sources,
    ("", "basis"): _bases,
    ("", "role"): _roles,
    ("", "network"): _network,
    ("", "size"): lambda value: filesizeformat(value) if isinstance(value, int) else str(value),
    ("", "attribute"): lambda value: _field(value),
    ("", "what"): lambda value: _fields(value),
    ("", "fields"): lambda value: _fields(value),
    ("", "permissions"): lambda value: ", ".join(str(permission_words(one)) for one in value),
    ("", "kinds"): lambda value: ", ".join(str(TITLES.get(one, one)) for one in value),
    ("", "counts"): lambda value: _counts(value),
}


def _field(name: str) -> str:
    return str(FIELDS.get(name, name.removeprefix("custom.").replace("_", " ")))


def _fields(value: Any) -> str:
    return ", ".join(_field(str(one)) for one in (value if isinstance(value, list) else [value]))


def _counts(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    return ", ".join(f"{number_format(n)} {COUNTS.get(key, key)}" for key, n in value.items() if n)


def _words(action: str, key: str, value: Any, names: Mapping[uuid.UUID, Named]) -> str:
    special = _SPECIAL.get((action, key)) or _SPECIAL.get(("", key))
    return special(value) if special else _plain(value, names)


def _plain(value: Any, names: Mapping[uuid.UUID, Named]) -> str:
    """A value as it is, ids by what they are called; an id of what is gone says nothing to a person."""
    if value is True:
        return _("Yes")
    if value is False:
        return _("No")
    if isinstance(value, int | float):
        return number_format(value)
    if isinstance(value, list):
        return ", ".join(words for one in value if (words := _plain(one, names)))
    if isinstance(value, Mapping):
        circle = [_circles(value["kind"])] if value.get("kind") in Scope.Kind.values else []
        rest = [_plain(inner, names) for key, inner in value.items() if key != "kind" or not circle]
        return ": ".join(filter(None, [*circle, ", ".join(filter(None, rest))]))
    text = str(value)
    if len(text) == 36 and (key := as_uuid(text)):
        return names[key].text if key in names else ""
    if len(text) > 18 and text[10:11] == "T" and (moment := parse_datetime(text)):
        return moment.strftime("%Y-%m-%d %H:%M")
    return text
