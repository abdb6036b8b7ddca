"""Which list an address names, and what its screen needs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from kith.core.fields import as_uuid
from kith.engagement.models import SavedView
from kith.networks.models import ChannelAccount
from kith.teams.models import Team
from kith.web.access import SignedIn
from kith.web.inbox.words import tray_name
from kith.workspace.inbox import InboxView, inbox_page, view_parse

WITH_TABS = ("inbox", "mine", "unassigned", "team")
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


def titles() -> dict[str, str]:
    return {
        "inbox": _("Inbox"),
        "mine": _("Mine"),
        "unassigned": _("Unassigned"),
        "waiting": _("Waiting longest"),
        "for_me": _("For me"),
        "snoozed": _("Snoozed"),
        "closed": _("Closed"),
        "held": _("Set aside"),
    }


def view_of(request: SignedIn, key: str, status: str) -> tuple[InboxView, str]:
    """The view and title of a list by its key ("mine", "team-<id>", "saved-<id>", "held"); Http404 for others'."""
    statuses = (status,) if status in STATUSES else ()
    kind, _dash, rest = key.partition("-")
    if key in ("inbox", "all"):
        return InboxView("all", statuses=statuses or ("open",)), titles()["inbox"]
    if kind == "team" and (
        team := Team.objects.filter(pk=as_uuid(rest) or NOBODY, pk__in=request.viewer.team_ids).first()
    ):
        return InboxView("team", team_id=team.pk, statuses=statuses), team.name
    if kind == "saved":
        found = SavedView.objects.filter(
            Q(owner=request.user) | Q(team_id__in=request.viewer.team_ids), pk=as_uuid(rest) or NOBODY
        ).first()
        if found is not None:
            return view_parse(found.query, me=request.user.pk), found.name
    if key in titles():
        view = InboxView(key, statuses=statuses)
        if key == "held" and request.GET.get("why"):
            view = replace(view, reason=request.GET["why"])
        return view, titles()[key]
    raise Http404


def _nothing(key: str, status: str) -> Nothing:
    if key in ("inbox", "all") and status in ("", "open"):
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
    }
    title, text = says.get(key, (_("Nothing here"), _("No conversation fits this list.")))
    return Nothing(icon="inbox", title=title, text=text)


def list_context(
    request: SignedIn, key: str, status: str, *, open_id: uuid.UUID | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """Everything that `inbox/list.html` and `inbox/row_items.html` ask for."""
    view, title = view_of(request, key, status)
    size = 50
    if cursor is None and (shown := request.GET.get("shown", "")).isdigit():
        size = min(300, max(50, int(shown)))
    found = inbox_page(request.viewer, view, cursor=cursor, limit=size)
    query = {"in": key if key != "inbox" else "", "status": status}
    kept = {k: v for k, v in {"status": status, "why": request.GET.get("why", "")}.items() if v}
    here = reverse("inbox") if key == "inbox" else reverse("inbox_view", args=[key])

    def address(**changes: str) -> str:
        values = {k: v for k, v in {**kept, **changes}.items() if v}
        return f"{here}?{urlencode(values)}" if values else here

    current = status or "open"
    kind = key.split("-")[0]
    tabs = [
        {"text": text, "href": address(status="" if value == "open" else value), "current": current == value}
        for value, text in (("open", _("Open")), ("snoozed", _("Snoozed")), ("closed", _("Closed")))
    ]
    shown = TRAYS if key == "held" else ()  # forty words that most lists do not say
    filters = [
        {"text": _("Everything"), "href": here, "current": not view.reason},
        *({"text": tray_name(why), "href": address(why=why), "current": view.reason == why} for why in shown),
    ]
    return {
        "key": key,
        "title": title,
        "status": status,
        "tabs": tabs if kind in WITH_TABS else [],
        "filters": filters if key == "held" else [],
        "rows": found.rows,
        "next_cursor": found.next_cursor,
        "more_url": address(cursor=found.next_cursor or "", part="rows"),
        "more_page_url": address(cursor=found.next_cursor or ""),
        "refresh_url": address(part="list"),
        "query": query,
        "nothing": None if found.rows else _nothing(key, status),
        "talk": None,
        "writing": None,
        "open_id": open_id,
    }
