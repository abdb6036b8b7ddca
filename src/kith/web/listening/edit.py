"""Writing a search: the query with its error at the character, a builder, and what it would have found."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.listening import selectors
from kith.listening.errors import ListeningError
from kith.listening.models import Monitor
from kith.listening.services import monitors
from kith.listening.services.lookback import preview
from kith.teams.models import Team
from kith.web import pages
from kith.web.access import SignedIn, signed_in, writers
from kith.web.listening import words
from kith.web.listening.builder import Built
from kith.web.listening.chart import chart


def _monitor(request: SignedIn, monitor_id: uuid.UUID) -> Monitor:
    found = selectors.monitor_of(request.viewer, monitor_id)
    if found is None:
        raise Http404
    return found


@writers
def new(request: SignedIn) -> HttpResponse:
    """GET the empty form (`?q=` begins with a query), POST makes it."""
    if request.method != "POST":
        return _form(
            request, None, {"name": "", "query": request.GET.get("q", "")[:4000], "audience": "everyone"}
        )
    values = _values(request)
    try:
        made = monitors.monitor_make(viewer=request.viewer, **values)
    except ListeningError as error:
        return _form(request, None, values, error)
    pages.toast_later(
        request, _("Listening for “%(name)s”. What was seen before is searched now.") % {"name": made.name}
    )
    return HttpResponse(headers={"HX-Redirect": f"{reverse('mentions')}?monitor={made.pk}"})


@signed_in
def monitor(request: SignedIn, monitor_id: uuid.UUID) -> HttpResponse:
    record = _monitor(request, monitor_id)
    kept = {"name": record.name, "query": record.query, "audience": ""}
    if request.method != "POST":
        return _form(request, record, kept)
    values = _values(request)
    try:
        monitors.monitor_change(viewer=request.viewer, monitor_id=record.pk, **values)
    except ListeningError as error:
        return _form(request, record, values, error)
    pages.toast_later(request, _("Saved"))
    return HttpResponse(headers={"HX-Redirect": reverse("listening")})


def _values(request: SignedIn) -> dict[str, str]:
    return {name: request.POST.get(name, "") for name in ("name", "query", "audience")}


def _form(
    request: SignedIn, record: Monitor | None, values: dict[str, str], error: ListeningError | None = None
) -> HttpResponse:
    teams = Team.objects.filter(pk__in=request.viewer.team_ids).order_by("name")
    audiences = [
        ("everyone", _("Everyone")),
        *((str(team.pk), team.name) for team in teams),
        ("me", _("Only me")),
    ]
    if record is not None:
        audiences.insert(0, ("", _("As before: %(who)s") % {"who": _audience(record)}))
    context: dict[str, Any] = {
        "record": record,
        "values": values,
        "error": error,
        "audiences": audiences,
        "languages": words.LANGUAGES,
        "networks": words.public_networks(),
    }
    status = 422 if error else 200
    if error is not None:
        return pages.part(request, "listening/form.html", context, status=status)
    return pages.page(request, "listening/edit.html", context, section="listening", status=status)


def _audience(record: Monitor) -> str:
    return {"everyone": _("Everyone"), "private": _("Only me")}.get(str(record.scope.kind), record.scope.name)


@require_POST
@signed_in
def check(request: SignedIn) -> HttpResponse:
    """POST `query`: where it can't be read, or what it would have found among what was already seen."""
    query = request.POST.get("query", "")
    if not query.strip():
        return pages.part(request, "listening/preview.html", {"error": None, "preview": None, "query": ""})
    try:
        text = monitors.query_check(query)
    except ListeningError as error:
        before = query[: error.position]
        context: dict[str, Any] = {
            "error": error,
            "preview": None,
            "parts": (
                before,
                query[error.position : error.position + error.length],
                query[error.position + error.length :],
            ),
            "line": before.count("\n") + 1,
            "column": len(before) - (before.rfind("\n") + 1) + 1,
        }
        return pages.part(request, "listening/preview.html", context)
    found = preview(request.viewer, text)
    context = {
        "error": None,
        "preview": found,
        "chart": chart(found.days),
        "posts": [(post, words.marked_parts(post.text, spans)) for post, spans in found.posts],
    }
    return pages.part(request, "listening/preview.html", context)


@require_POST
@signed_in
def build(request: SignedIn) -> HttpResponse:
    """POST what was chosen: the field with the query that says so, which then asks for its preview by itself."""
    post = request.POST
    built = Built(
        phrase=post.get("phrase", "")[:500],
        every=post.get("every", "")[:1000],
        some=post.get("some", "")[:2000],
        none=post.get("none", "")[:1000],
        languages=[one for one in post.getlist("language") if one in words.LANGUAGES],
        networks=[name for name, _title in words.public_networks() if name in post.getlist("on")],
    )
    return pages.part(request, "listening/query.html", {"query": built.query(), "error": None})


@require_POST
@writers
def switch(request: SignedIn, monitor_id: uuid.UUID) -> HttpResponse:
    record = _monitor(request, monitor_id)
    on = record.state != Monitor.State.ON
    monitors.monitor_switch(viewer=request.viewer, monitor_id=record.pk, on=on)
    pages.toast_later(
        request,
        (_("Listening again for “%(name)s”") if on else _("“%(name)s” is switched off"))
        % {"name": record.name},
    )
    return HttpResponse(headers={"HX-Redirect": reverse("listening")})


@require_POST
@writers
def remove(request: SignedIn, monitor_id: uuid.UUID) -> HttpResponse:
    record = _monitor(request, monitor_id)
    monitors.monitor_remove(viewer=request.viewer, monitor_id=record.pk)
    pages.toast_later(request, _("“%(name)s” is removed, with what it found") % {"name": record.name})
    return HttpResponse(headers={"HX-Redirect": reverse("listening")})
