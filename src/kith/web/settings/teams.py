"""Teams and divisions."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.teams.errors import TeamsError
from kith.teams.models import Division, Team
from kith.teams.services import (
    division_create,
    division_delete,
    division_rename,
    team_create,
    team_delete,
    team_set_members,
    team_update,
)
from kith.web.access import SignedIn, administrators, signed_in
from kith.web.settings.forms import NameForm, TeamForm
from kith.web.settings.page import blame, done, show

SECTION = "settings:teams"


@signed_in
def teams(request: SignedIn) -> HttpResponse:
    """All teams with their members, and the divisions they belong to."""
    rows = Team.objects.select_related("division").prefetch_related("members").order_by("name")
    return show(
        request,
        "settings/teams.html",
        section=SECTION,
        teams=rows,
        divisions=Division.objects.order_by("name"),
    )


@administrators
def team(request: SignedIn, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make one, or change it."""
    found = get_object_or_404(Team, pk=pk) if pk else None
    initial = (
        {"name": found.name, "division": found.division, "members": found.members.all()} if found else {}
    )
    form = TeamForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            if found:
                team_update(team=found, name=values["name"], division=values["division"])
                team_set_members(team=found, members=values["members"])
            else:
                team_create(name=values["name"], division=values["division"], members=values["members"])
        except TeamsError as error:
            blame(form, error)
        else:
            done(request, _("The team is saved."))
            return redirect(SECTION)
    status = 422 if request.method == "POST" else 200
    return show(request, "settings/team.html", section=SECTION, status=status, form=form, team=found)


@require_POST
@administrators
def team_remove(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Refused, with the reason, while something would be left that nobody sees."""
    try:
        team_delete(team=get_object_or_404(Team, pk=pk))
    except TeamsError as error:
        done(request, error)
        return redirect("settings:team", pk)
    done(request, _("The team is gone."))
    return redirect(SECTION)


@administrators
def division(request: SignedIn, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make one, or rename it."""
    found = get_object_or_404(Division, pk=pk) if pk else None
    form = NameForm(request.POST or None, initial={"name": found.name} if found else {})
    if request.method == "POST" and form.is_valid():
        try:
            if found:
                division_rename(division=found, name=form.cleaned_data["name"])
            else:
                division_create(name=form.cleaned_data["name"])
        except TeamsError as error:
            blame(form, error)
        else:
            done(request, _("The division is saved."))
            return redirect(SECTION)
    status = 422 if request.method == "POST" else 200
    return show(request, "settings/division.html", section=SECTION, status=status, form=form, division=found)


@require_POST
@administrators
def division_remove(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Its teams stay."""
    division_delete(division=get_object_or_404(Division, pk=pk))
    done(request, _("The division is gone."))
    return redirect(SECTION)
