"""What the deeds on a person's page share: whom they are done to, and how they answer."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from kith.contacts.models import Contact
from kith.contacts.selectors import canonical_of
from kith.core.fields import as_uuid
from kith.teams.models import Scope
from kith.teams.types import Viewer
from kith.web import pages


def contact_or_404(contact_id: uuid.UUID) -> Contact:
    """The person of an id, or of one that was merged into them."""
    here = canonical_of(contact_id)
    if here is None:
        raise Http404
    return Contact.objects.get(pk=here)


def done(
    request: HttpRequest, contact_id: uuid.UUID | None, said: str, *, undo: str = "", to: str = ""
) -> HttpResponse:
    """To the person's page (or `to`), where a toast says what was done."""
    pages.toast_later(request, said, undo=undo)
    address = to or (reverse("person", args=[contact_id]) if contact_id else "")
    return HttpResponse(headers={"HX-Redirect": address} if address else {"HX-Refresh": "true"})


def refused(request: HttpRequest, error: object) -> HttpResponse:
    """Why not, put into the open dialog; nothing was changed."""
    return pages.part(request, "people/refused.html", {"error": str(error)})


def dialog(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """A dialog that opens as soon as it is there."""
    return pages.part(request, f"people/dialogs/{template}.html", context)


def scope_choices(viewer: Viewer) -> list[tuple[str, str]]:
    """Who may see something that one writes down: everyone, or one of the circles that one is in."""
    narrow = (
        Scope.objects.filter(pk__in=viewer.scope_ids)
        .exclude(kind=Scope.Kind.EVERYONE)
        .order_by("kind", "name")
    )
    return [(str(s.pk), s.name) for s in narrow]


def chosen_scope(viewer: Viewer, text: str) -> uuid.UUID | None:
    """The scope that a form names, if the viewer is in it; None is everybody. Raises Http404 for another."""
    key = as_uuid(text)
    if text and (key is None or not viewer.sees(key)):
        raise Http404
    return key
