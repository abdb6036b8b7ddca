"""Which list an address names, and what its screen needs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from kith.core.fields import as_number, as_uuid
from kith.engagement.selectors import saved_views
from kith.networks.models import ChannelAccount
from kith.teams.models import Team
from kith.web.access import SignedIn
from kith.web.inbox.filters import chips_of, filters_of, narrowed
from kith.web.inbox.words import VIEW_ICONS, tray_name, view_names
from kith.workspace.inbox import InboxPage, InboxView, inbox_page, view_parse
from kith.workspace.unsent import Unsent, unsent_page

WITH_TABS = ("inbox", "mine", "unassigned", "team")
WITHOUT_FILTERS = ("held", "unsent")
NOBODY = uuid.UUID(int=0)
STATUSES = ("open", "snoozed", "closed")
TRAYS = ("spam", "bounce", "auto_reply", "list", "notification")


@dataclass(frozen=True, slots=True)
class Nothing:
    """What an empty list teaches."""

    icon: str
    title: str
    text: str
    action: str = ""
    href: str = ""


def view_of(request: SignedIn, key: str, status: str) -> tuple[InboxView, str]:
    """The view and title of a list by its key ("mine", "team-<id>", "saved-<id>", "held"); Http404 for others'."""
    statuses = (status,) if status in STATUSES else ()
    kind, _dash, rest = key.partition("-")
    if key == "inbox":
        return InboxView("all", statuses=statuses or ("open",)), view_names()["inbox"]
    if kind == "team" and (
        team := Team.objects.filter(pk=as_uuid(rest) or NOBODY, pk__in=request.viewer.team_ids).first()
    ):
        return InboxView("team", team_id=team.pk, statuses=statuses), team.name
    if kind == "saved":
        wanted = as_uuid(rest)
        found = next((v for v in saved_views(request.viewer) if v.pk == wanted), None)
        if found is not None:
            return view_parse(found.query, me=request.user.pk), found.name
    if key in view_names():
        view = InboxView(key, statuses=statuses)
        if key == "held" and request.GET.get("why"):
            view = replace(view, reason=request.GET["why"])
        return view, view_names()[key]
    raise Http404


def narrowed_view(request: SignedIn, key: str, status: str) -> tuple[InboxView, str, dict[str, str]]:
    """The view of a list with the filters of its address, its title, and the filters."""
    view, title = view_of(request, key, status)
    filters = {} if key in WITHOUT_FILTERS else filters_of(request.GET)
    return narrowed(view, filters, request.viewer), title, filters


def _nothing(key: str, status: str, filters: dict[str, str], here: str) -> Nothing:
    if filters:
        return Nothing(
            icon="list-filter",
            title=_("Nothing fits these filters"),
            text=_("Take one away, or look at the whole list."),
            action=_("Without filters"),
            href=here,
        )
    if key == "inbox" and status in ("", "open"):
        if not ChannelAccount.objects.exclude(state=ChannelAccount.State.REMOVED).exists():
            return Nothing(
                icon="plug",
                title=_("No channel is connected yet"),
                text=_("Connect a mailbox or a social account, and what people write to you arrives here."),
                action=_("Connect a channel"),
                href="/settings/channels/",
            )
        return Nothing(
            icon="coffee",
            title=_("All answered"),
            text=_("Nobody waits for you. New messages appear by themselves."),
        )
    says = {
        "mine": (_("Nothing is yours"), _("Take a conversation with a, or let a rule hand them out.")),
        "unassigned": (_("Everything has an owner"), _("What nobody has taken yet waits here.")),
        "waiting": (_("Nobody waits"), _("Those who have waited longest for an answer stand first here.")),
        "for_me": (
            _("Nobody called you"),
            _("When a colleague writes @ and your name in a note, it appears here."),
        ),
        "snoozed": (_("Nothing sleeps"), _("Snooze a conversation with s, and it comes back when you said.")),
        "held": (
            _("Nothing is set aside"),
            _("Spam, bounces and automatic mail wait here, each with its reason."),
        ),
        "unsent": (
            _("Everything went out"),
            _(
                "Answers that the gate held, that were refused, or that nobody knows to have arrived stand here."
            ),
        ),
        "closed": (
            _("Nothing is closed"),
            _("Close what is done with e. It opens by itself when they write again."),
        ),
        "team": (_("The team has nothing to do"), _("Hand a conversation to a team with a, or by a rule.")),
        "saved": (_("Nothing fits this view"), _("It fills by itself, as soon as a conversation fits it.")),
    }
    title, text = says.get(key.split("-")[0], (_("Nothing here"), _("No conversation fits this list.")))
    return Nothing(icon=VIEW_ICONS.get(key, "inbox"), title=title, text=text)


def _rows(
    request: SignedIn, view: InboxView, cursor: str | None
) -> tuple[InboxPage, dict[uuid.UUID, Unsent]]:
    shown = as_number(request.GET.get("shown", "")) if cursor is None else 0
    size = min(300, max(50, shown))
    if view.kind == "unsent":
        found = unsent_page(request.viewer, cursor=cursor, limit=size)
        return found.page, found.unsent
    return inbox_page(request.viewer, view, cursor=cursor, limit=size), {}


def list_context(
    request: SignedIn, key: str, status: str, *, open_id: uuid.UUID | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """Everything that `inbox/list.html` and `inbox/row_items.html` ask for."""
    key = key or "inbox"
    view, title, filters = narrowed_view(request, key, status)
    found, unsent = _rows(request, view, cursor)
    kept = {k: v for k, v in {"status": status, "why": request.GET.get("why", "")}.items() if v}
    here = reverse("inbox") if key == "inbox" else reverse("inbox_view", args=[key])

    def address(without: str = "", **changes: str) -> str:
        values = {k: v for k, v in {**kept, **filters, **changes}.items() if v and k != without}
        return f"{here}?{urlencode(values)}" if values else here

    current = status or "open"
    tabs = [
        {"text": text, "href": address(status="" if value == "open" else value), "current": current == value}
        for value, text in (("open", _("Open")), ("snoozed", _("Snoozed")), ("closed", _("Closed")))
    ]
    reasons = TRAYS if key == "held" else ()  # forty words that most lists do not say
    trays = [
        {"text": _("Everything"), "href": here, "current": not view.reason},
        *(
            {"text": tray_name(why), "href": address(why=why), "current": view.reason == why}
            for why in reasons
        ),
    ]
    query = {"in": key if key != "inbox" else "", "status": status, **filters}
    return {
        "key": key,
        "title": title,
        "status": status,
        "tabs": tabs if key.split("-")[0] in WITH_TABS else [],
        "trays": trays if key == "held" else [],
        "filters": filters,
        "may_filter": key not in WITHOUT_FILTERS,
        "chips": [(chip.text, address(without=chip.name)) for chip in chips_of(filters)],
        "saved": as_uuid(key.removeprefix("saved-")) if key.startswith("saved-") else None,
        "rows": found.rows,
        "unsent": unsent,
        "next_cursor": found.next_cursor,
        "more_url": address(cursor=found.next_cursor or "", part="rows"),
        "more_page_url": address(cursor=found.next_cursor or ""),
        "refresh_url": address(part="list"),
        "here": here,
        "query": query,
        "nothing": None if found.rows else _nothing(key, status, filters, here),
        "talk": None,
        "writing": None,
        "open_id": open_id,
    }
