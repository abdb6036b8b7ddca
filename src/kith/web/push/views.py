"""What the browser asks while it registers itself for push, and what it may show by itself while Kith is open."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from kith.base.clock import now
from kith.teams.devices import device_name, push_subscribe, push_unsubscribe
from kith.teams.errors import TeamsError
from kith.teams.models import PushSubscription
from kith.teams.notifications import notifications_page
from kith.teams.push import Outcome, push_public_key, push_try
from kith.teams.wishes import quiet_until, says_aloud, wants
from kith.web.access import SignedIn, signed_in

UNPROCESSABLE = 422


@never_cache
@signed_in
def key(request: SignedIn) -> HttpResponse:
    """Our public key, which the browser subscribes with."""
    return JsonResponse({"key": push_public_key()})


@require_POST
@signed_in
def keep(request: SignedIn) -> HttpResponse:
    """POST `endpoint`, `p256dh`, `auth`: push to this browser, as long as this session is open."""
    try:
        push_subscribe(
            user=request.user,
            endpoint=request.POST.get("endpoint", ""),
            keys={name: request.POST.get(name, "") for name in ("p256dh", "auth")},
            device=device_name(request.headers.get("User-Agent", "")),
            session_key=request.session.session_key or "",
        )
    except TeamsError as error:
        return JsonResponse({"error": str(error)}, status=UNPROCESSABLE)
    return HttpResponse(status=204)


@require_POST
@signed_in
def forget(request: SignedIn) -> HttpResponse:
    push_unsubscribe(user=request.user, endpoint=request.POST.get("endpoint", ""))
    return HttpResponse(status=204)


@require_POST
@signed_in
def try_out(request: SignedIn) -> HttpResponse:
    """POST `endpoint`: push a sentence to one's own device, now."""
    device = PushSubscription.objects.filter(
        user=request.user, endpoint=request.POST.get("endpoint", "")
    ).first()
    outcome = push_try(request.user, device) if device else Outcome.GONE
    said = {
        Outcome.TAKEN: _("Sent. It arrives within a few seconds."),
        Outcome.LATER: _("The browser's push service did not answer. Try again later."),
        Outcome.REFUSED: _("The browser's push service did not take it."),
        Outcome.GONE: _("This device is not registered any more. Allow it again."),
    }
    return JsonResponse({"said": said[outcome], "ok": outcome is Outcome.TAKEN})


@never_cache
@signed_in
def news(request: SignedIn) -> HttpResponse:
    """The newest unread notifications that may be shown by the browser, oldest first; none in quiet hours."""
    if quiet_until(request.user, now()):
        return JsonResponse({"news": []})
    rows = [row for row in notifications_page(request.viewer, limit=10).rows if not row.read]
    rows = [row for row in rows if wants(request.user, row.kind, "browser")]
    aloud = says_aloud(request.user)
    found = [
        {
            "id": str(row.id),
            "title": row.title,
            "body": row.body if aloud else "",
            "path": row.path or "/",
            "tag": str(row.subject_id or row.id),
        }
        for row in reversed(rows)
    ]
    return JsonResponse({"news": found})
