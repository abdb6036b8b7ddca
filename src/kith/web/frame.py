"""Small things of the frame: the theme, the command palette, the style guide."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from kith.contacts.names import initials
from kith.teams.models import User
from kith.teams.services import user_update_profile
from kith.web import pages
from kith.web.access import SignedIn, reading, signed_in
from kith.web.commands import commands
from kith.web.people.views import people_rows
from kith.workspace.search import search_messages


@require_POST
@signed_in
def theme(request: SignedIn) -> HttpResponse:
    chosen = request.POST.get("theme", "")
    User.objects.filter(pk=request.user.pk).update(theme=chosen if chosen in ("light", "dark") else "")
    return HttpResponse(status=204)


@require_POST
@signed_in
def density(request: SignedIn) -> HttpResponse:
    """POST `density`: "compact" shows more rows of a list; anything else is comfortable."""
    chosen = "compact" if request.POST.get("density") == "compact" else ""
    if request.user.preferences.get("density", "") != chosen:
        user_update_profile(user=request.user, values={"preferences": {"density": chosen}})
    return HttpResponse(status=204)


@require_POST
@signed_in
def toured(request: SignedIn) -> HttpResponse:
    """The tour was seen or skipped; it comes again only when asked for."""
    if not request.user.preferences.get("toured"):
        user_update_profile(user=request.user, values={"preferences": {"toured": True}})
    return HttpResponse(status=204)


@reading
@signed_in
def palette(request: SignedIn) -> HttpResponse:
    """GET `q`: people, messages and commands that fit; `mode` "search" offers the whole search first.

    What the open screen can do is added by the browser, which knows it (frontend/src/js/palette.js).
    """
    text = request.GET.get("q", "").strip()[:300]
    people = people_rows(text, limit=5) if len(text) > 1 else []
    found = search_messages(request.viewer, text, limit=8).hits if len(text) > 1 else ()
    context = {
        "q": text,
        "people": [
            (c, c.name or c.preferred_name, initials(c.name or c.preferred_name or "?")) for c in people
        ],
        "hits": found,
        "searching": request.GET.get("mode") == "search",
        "commands": commands(request.viewer, text),
    }
    return pages.part(request, "palette.html", context)


@signed_in
def styleguide(request: SignedIn) -> HttpResponse:
    """Every component of `templates/ui`; for administrators, and for everyone in development."""
    if not (settings.DEBUG or request.user.administers):
        raise PermissionDenied
    return pages.page(request, "styleguide.html", {"now": timezone.now()}, section="styleguide")
