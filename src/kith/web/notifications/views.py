"""What calls for one's attention: mentions, assignments, answers, promises due, alarms."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.teams.notifications import (
    notification_get,
    notifications_page,
    notifications_read,
    notifications_unread,
    unread_count,
)
from kith.web import pages
from kith.web.access import SignedIn, reading, signed_in

FEW = 12


def _context(request: SignedIn, *, limit: int = 40) -> dict[str, object]:
    unread = bool(request.GET.get("unread"))
    page = notifications_page(request.viewer, cursor=request.GET.get("cursor"), limit=limit, unread=unread)
    here = reverse("notifications")
    kept = {"unread": "1"} if unread else {}
    more = f"{here}?{urlencode({**kept, 'cursor': page.next_cursor})}" if page.next_cursor else ""
    return {
        "rows": page.rows,
        "more_page_url": more,
        "more_url": f"{more}&part=rows" if more else "",
        "refresh_url": f"{here}?{urlencode({**kept, 'part': 'list'})}",
        "unread_only": unread,
        "tabs": [
            {"text": _("All"), "href": here, "current": not unread},
            {"text": _("Unread"), "href": f"{here}?unread=1", "current": unread},
        ],
    }


@reading
@signed_in
def notifications(request: SignedIn) -> HttpResponse:
    """The list, newest first; `?unread=1` those alone, `?part=panel` a dialog, `rows` the next, `list` all again."""
    part = request.GET.get("part", "")
    if part in ("panel", "rows", "list") and pages.wants_fragment(request):
        context = _context(request, limit=FEW if part == "panel" else 40)
        return pages.part(request, f"notifications/{part}.html", context)
    return pages.page(request, "notifications/page.html", _context(request), section="notifications")


@reading
@signed_in
def bell(request: SignedIn) -> HttpResponse:
    """The bell with its count, for a refresh."""
    unread = {"unread": unread_count(request.viewer)}
    return pages.part(request, "notifications/bell.html", unread, section=request.GET.get("section", ""))


@signed_in
def follow(request: SignedIn, notification_id: uuid.UUID) -> HttpResponse:
    """Marks it as read and leads to what it tells of."""
    found = notification_get(request.viewer, notification_id)
    if found is None:
        raise Http404
    notifications_read(request.viewer, [found.id])
    inside = found.path.startswith("/") and not found.path.startswith(("//", "/\\"))
    return HttpResponseRedirect(found.path if inside else reverse("notifications"))


@require_POST
@signed_in
def read(request: SignedIn, notification_id: uuid.UUID) -> HttpResponse:
    """POST `read`: "1", or "" for unread again. Answers with the row."""
    if notification_get(request.viewer, notification_id) is None:
        raise Http404
    change = notifications_read if request.POST.get("read") else notifications_unread
    change(request.viewer, [notification_id])
    found = notification_get(request.viewer, notification_id)
    response = pages.part(request, "notifications/row.html", {"row": found})
    return _with_bell(request, response)


@require_POST
@signed_in
def read_all(request: SignedIn) -> HttpResponse:
    count = notifications_read(request.viewer)
    response = _with_bell(request, HttpResponse(headers={"HX-Trigger": "kith:notified"}))
    return pages.with_toast(response, _("All read") if count else _("Nothing was unread"))


def _with_bell(request: SignedIn, response: HttpResponse) -> HttpResponse:
    unread = {"unread": unread_count(request.viewer)}
    response.write(pages.part(request, "notifications/bell_partial.html", unread).content.decode())
    return response
