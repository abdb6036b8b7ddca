"""Saved views: made of the list on screen with its filters, renamed, shared, put in order, deleted and brought back."""

from __future__ import annotations

import uuid
from dataclasses import asdict

from django.core import signing
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.core.fields import as_uuid
from kith.engagement.errors import EngagementError
from kith.engagement.models import SavedView
from kith.engagement.selectors import saved_views
from kith.engagement.services import (
    SavedViewKept,
    saved_view_delete,
    saved_view_move,
    saved_view_restore,
    saved_view_save,
)
from kith.teams.errors import NotAllowed
from kith.teams.models import Team
from kith.web import pages
from kith.web.access import SignedIn, signed_in
from kith.web.inbox.filters import fields_of, filters_of
from kith.web.inbox.lists import narrowed_view
from kith.workspace.inbox_view import view_text

SALT = "kith.saved-view"
KEPT_FOR = 3600  # seconds in which a deleted view can be brought back
CHANGED = {"HX-Trigger": "kith:changed"}


def _one(request: SignedIn, view_id: uuid.UUID) -> SavedView:
    found = next((v for v in saved_views(request.viewer) if v.pk == view_id), None)
    if found is None:
        raise Http404
    return found


def _teams(request: SignedIn) -> list[Team]:
    return list(Team.objects.filter(pk__in=request.viewer.team_ids).order_by("name"))


@signed_in
def panel(request: SignedIn) -> HttpResponse:
    """The filters of the list that `in`, `status` and the filters name, for its panel."""
    key = request.GET.get("in") or "inbox"
    filters = filters_of(request.GET)
    here = reverse("inbox") if key == "inbox" else reverse("inbox_view", args=[key])
    context = {
        "fields": fields_of(request.viewer, filters),
        "here": here,
        "status": request.GET.get("status", ""),
        "filters": filters,
    }
    return pages.part(request, "inbox/filters.html", context)


@signed_in
def views(request: SignedIn) -> HttpResponse:
    """A dialog with the user's saved views, to rename, share, order and delete."""
    return pages.part(request, "inbox/views.html", _list(request))


def _list(request: SignedIn) -> dict[str, object]:
    teams = {team.pk: team.name for team in _teams(request)}
    return {
        "views": [(v, teams.get(v.team_id, "") if v.team_id else "") for v in saved_views(request.viewer)]
    }


def _rows(request: SignedIn) -> HttpResponse:
    response = pages.part(request, "inbox/views_rows.html", _list(request))
    for name, value in CHANGED.items():
        response.headers[name] = value
    return response


@signed_in
def save(request: SignedIn) -> HttpResponse:
    """GET a form for the list that the address names (or for the view `id`), POST `name`, `team` and the same."""
    values = request.POST if request.method == "POST" else request.GET
    view_id = as_uuid(values.get("id", ""))
    row = _one(request, view_id) if view_id else None
    error = ""
    if request.method == "POST":
        try:
            kept = saved_view_save(
                request.viewer,
                name=values.get("name", ""),
                query=row.query if row and not values.get("again") else _query(request),
                team_id=as_uuid(values.get("team", "")),
                view_id=view_id,
            )
        except (EngagementError, NotAllowed) as problem:
            error = str(problem)
        else:
            where = reverse("inbox_view", args=[f"saved-{kept.pk}"])
            return HttpResponse(headers={"HX-Redirect": where})
    context = {
        "row": row,
        "name": values.get("name", row.name if row else ""),
        "team": str(row.team_id or "") if row else values.get("team", ""),
        "teams": _teams(request),
        "hidden": {
            k: v for k, v in values.items() if k not in ("name", "team", "csrfmiddlewaretoken", "again")
        },
        "filters": filters_of(values),
        "error": error,
    }
    return pages.part(request, "inbox/view_save.html", context)


def _query(request: SignedIn) -> str:
    """The list that the form names, with its filters, as text."""
    request.GET = request.POST  # the list's parameters come in the form
    view, _title, _filters = narrowed_view(
        request, request.POST.get("in") or "inbox", request.POST.get("status", "")
    )
    return view_text(view)


@require_POST
@signed_in
def move(request: SignedIn, view_id: uuid.UUID) -> HttpResponse:
    """POST `by`: -1 earlier, 1 later."""
    _one(request, view_id)
    try:
        saved_view_move(request.viewer, view_id, by=-1 if request.POST.get("by") == "-1" else 1)
    except NotAllowed as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    return _rows(request)


@require_POST
@signed_in
def delete(request: SignedIn, view_id: uuid.UUID) -> HttpResponse:
    row = _one(request, view_id)
    try:
        kept = saved_view_delete(request.viewer, view_id)
    except NotAllowed as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    values = {k: str(v) if isinstance(v, uuid.UUID) else v for k, v in asdict(kept).items()}
    sealed = signing.dumps([str(request.user.pk), values], salt=SALT, compress=True)
    undo = f"{reverse('view_restore')}?{urlencode({'kept': sealed})}"
    return pages.with_toast(
        _rows(request), _("The view “%(name)s” is deleted") % {"name": row.name}, undo=undo
    )


@require_POST
@signed_in
def restore(request: SignedIn) -> HttpResponse:
    """POST with `kept`, what the deletion sealed for this user."""
    try:
        user, values = signing.loads(request.GET.get("kept", ""), salt=SALT, max_age=KEPT_FOR)
        if user != str(request.user.pk):
            raise Http404
        kept = SavedViewKept(
            id=uuid.UUID(values["id"]),
            name=values["name"],
            query=values["query"],
            position=values["position"],
            team_id=as_uuid(values["team_id"] or ""),
        )
        saved_view_restore(request.viewer, kept)
    except signing.BadSignature as error:
        raise Http404 from error
    except NotAllowed as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    return pages.with_toast(HttpResponse(headers=CHANGED), _("Taken back"))
