"""What the search page teaches: chips for what was typed, filters to add, and examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from kith.networks.selectors import offered
from kith.workspace.search_groups import networks_and_tags
from kith.workspace.search_query import SearchQuery, part_text, search_parse, search_parts


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in words; `without` is the address of the search that lacks it. `wrong`: it was not understood."""

    text: str
    without: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter to add, or to take away again when it is `on`."""

    text: str
    token: str
    href: str
    on: bool


@dataclass(frozen=True, slots=True)
class Choices:
    title: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Example:
    typed: str
    says: str
    href: str


def address(text: str, kind: str = "", **more: str) -> str:
    """The address of a search."""
    values = {k: v for k, v in {"q": text, "kind": kind, **more}.items() if v}
    return f"{reverse('search')}?{urlencode(values)}" if values else reverse("search")


def chips(text: str, kind: str) -> tuple[Chip, ...]:
    """The filters of a search in words, each with the way to do without it."""
    parts = search_parts(text)
    made = []
    for number, part in enumerate(parts):
        if not part.name:
            continue
        rest = " ".join(other.text for n, other in enumerate(parts) if n != number)
        wrong = bool(search_parse(part.text + " ").problems)
        made.append(
            Chip(part.text if wrong else _in_words(part.name, part.value), address(rest, kind), wrong)
        )
    return tuple(made)


def _in_words(name: str, value: str) -> str:
    low = value.lower()
    if name in ("before", "after"):
        return _moment(name, search_parse(f"{name}:{value} "))
    fixed = {
        ("has", "file"): _("Has a file"),
        ("is", "sent"): _("Sent by us"),
        ("is", "received"): _("Received"),
        ("is", "note"): _("Note to colleagues"),
        ("in", "open"): _("In open conversations"),
        ("in", "closed"): _("In closed conversations"),
        ("in", "snoozed"): _("In snoozed conversations"),
        ("in", "held"): _("Set aside"),
        ("in", "spam"): _("Spam"),
        ("from", "me"): _("Written by me"),
    }
    if (name, low) in fixed:
        return fixed[name, low]
    said: dict[str, Callable[[str], str]] = {
        "from": lambda v: _("From %(who)s") % {"who": v},
        "to": lambda v: _("To %(who)s") % {"who": v},
        "channel": lambda v: _("Channel: %(name)s") % {"name": _channel(v)},
        "tag": lambda v: _("Tag: %(name)s") % {"name": v},
        "has": lambda v: _("Has a file"),
    }
    return said[name](value) if name in said else f"{name}:{value}"


def _channel(value: str) -> str:
    return next((m.title for m in offered() if m.name == value.lower()), value)


def _moment(name: str, query: SearchQuery) -> str:
    at: datetime | None = query.before if name == "before" else query.after
    if at is None:
        return name
    from django.utils import timezone

    day = date_format(timezone.localtime(at), "SHORT_DATE_FORMAT")
    return _("Before %(day)s") % {"day": day} if name == "before" else _("Since %(day)s") % {"day": day}


def filters(text: str, kind: str) -> tuple[Choices, ...]:
    """The filters at the side: each shows how it is typed, so that nobody has to come here twice."""
    parts = search_parts(text)
    typed = {part.text.lower() for part in parts}

    def choice(label: Any, token: str, *, instead_of: Sequence[str] = ()) -> Choice:
        on = token.lower() in typed
        kept = [
            p.text for p in parts if p.text.lower() != token.lower() and not (not on and p.name in instead_of)
        ]
        return Choice(str(label), token, address(" ".join([*kept, *([] if on else [token])]), kind), on)

    used, tags = networks_and_tags(limit=8)
    networks = [m for m in offered() if m.name in used and m.medium != "mail"][:8]
    groups = [
        Choices(
            _("When"),
            tuple(
                choice(label, token, instead_of=("after", "before"))
                for label, token in (
                    (_("Today"), "after:today"),
                    (_("Last 7 days"), "after:7d"),
                    (_("Last 30 days"), "after:30d"),
                    (_("Last 12 months"), "after:365d"),
                )
            ),
        ),
        Choices(
            _("Where"),
            tuple(
                choice(label, f"in:{token}", instead_of=("in",))
                for label, token in (
                    (_("Open"), "open"),
                    (_("Snoozed"), "snoozed"),
                    (_("Closed"), "closed"),
                    (_("Set aside"), "held"),
                )
            ),
        ),
        Choices(
            _("What"),
            (
                choice(_("Received"), "is:received", instead_of=("is",)),
                choice(_("Sent by us"), "is:sent", instead_of=("is",)),
                choice(_("Written by me"), "from:me", instead_of=("from",)),
                choice(_("Has a file"), "has:file"),
            ),
        ),
        Choices(
            _("Channel"),
            (
                choice(_("Mail"), "channel:mail"),
                *(choice(m.title, f"channel:{m.name}") for m in networks),
            ),
        ),
    ]
    if tags:
        groups.append(Choices(_("Tag"), tuple(choice(name, part_text("tag", name)) for name in tags)))
    return tuple(groups)


def examples() -> tuple[Example, ...]:
    """Each line of the help is a search that can be pressed."""
    rows = (
        ("gear hub", _("Both words, anywhere in the message, its subject, its people or its files")),
        ('"gear hub"', _("These words, side by side")),
        ("hub -warranty", _("With the first word and without the second")),
        ("from:steve", _("Written by somebody, by name or address; from:me for yourself")),
        ("to:workshop", _("Sent to somebody, or with them in copy")),
        ("channel:mail", _("On one channel, by its name or kind")),
        ("tag:complaint", _('In conversations with this tag; tag:"two words" in quotes')),
        ("after:30d", _("Since a day: 2026, 2026-05, 2026-05-17, yesterday, 30d")),
        ("before:2026-01", _("Before a day, a month or a year")),
        ("has:file", _("With a file")),
        ("in:closed", _("Where it stands: open, snoozed, closed, held, spam")),
        ("is:note", _("What it is: sent, received, note")),
    )
    return tuple(Example(typed, says, address(typed)) for typed, says in rows)
