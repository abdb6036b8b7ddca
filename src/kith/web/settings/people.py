"""Who works here: list, invite, change, off-boarding."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.base.clock import now
from kith.core import company
from kith.teams.errors import TeamsError
from kith.teams.models import Invitation, User
from kith.teams.services import (
    invitation_create,
    invitation_withdraw,
    leaving_preview,
    user_change_role,
    user_leave,
    user_return,
    user_set_teams,
)
from kith.web.access import SignedIn, administrators, signed_in
from kith.web.settings.forms import InviteForm, LeaveForm, PersonForm
from kith.web.settings.page import blame, done, show

SECTION = "settings:people"


@signed_in
def people(request: SignedIn) -> HttpResponse:
    """Everyone who works or worked here; open invitations for administrators."""
    everyone = User.objects.prefetch_related("teams").order_by("-is_active", "name", "id")
    waiting = Invitation.objects.filter(accepted_at=None, withdrawn_at=None).order_by("-id")
    return show(
        request,
        "settings/people.html",
        section=SECTION,
        people=everyone,
        invitations=waiting if request.user.administers else [],
        now=now(),
    )


@administrators
def invite(request: SignedIn) -> HttpResponse:
    """Invite somebody by mail, with a link that works for 7 days."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            invitation_create(
                email=values["email"],
                name=values["name"],
                role=values["role"],
                teams=values["teams"],
                invited_by=request.user,
                link=address_of(request, reverse("account:invitation", args=["TOKEN"])),
            )
        except TeamsError as error:
            blame(form, error)
        else:
            done(request, _("The invitation to %s is on its way.") % values["email"])
            return redirect(SECTION)
    status = 422 if request.method == "POST" else 200
    return show(request, "settings/invite.html", section=SECTION, status=status, form=form)


def address_of(request: SignedIn, path: str) -> str:
    """An address for a mail: by the public address, never by what the request calls its host, once one is known."""
    base = company.public_url()
    return f"{base}{path}" if base else request.build_absolute_uri(path)


@require_POST
@administrators
def invitation_end(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """The link stops working."""
    invitation_withdraw(invitation=get_object_or_404(Invitation, pk=pk))
    done(request, _("The invitation is withdrawn."))
    return redirect(SECTION)


@administrators
def person(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Role and teams of one colleague."""
    colleague = get_object_or_404(User, pk=pk)
    form = PersonForm(request.POST or None, initial={"role": colleague.role, "teams": colleague.teams.all()})
    if request.method == "POST" and form.is_valid():
        try:
            user_change_role(user=colleague, role=form.cleaned_data["role"], actor=request.user)
        except TeamsError as error:
            blame(form, error)
        else:
            user_set_teams(user=colleague, teams=form.cleaned_data["teams"])
            done(request, _("%s is changed.") % colleague.name)
            return redirect(SECTION)
    status = 422 if request.method == "POST" else 200
    return show(
        request, "settings/person.html", section=SECTION, status=status, form=form, colleague=colleague
    )


@administrators
def leave(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """GET previews what ends and what passes on; POST does it."""
    colleague = get_object_or_404(User, pk=pk, is_active=True)
    form = LeaveForm(request.POST or None, leaving=colleague)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            user_leave(
                user=colleague,
                actor=request.user,
                to_user=values["to_user"],
                to_team=values["to_team"],
                private_to=values["private_to"],
            )
        except TeamsError as error:
            blame(form, error)
        else:
            done(request, _("%s can no longer sign in, and the work is handed over.") % colleague.name)
            return redirect(SECTION)
    return show(
        request,
        "settings/leave.html",
        section=SECTION,
        status=422 if request.method == "POST" else 200,
        form=form,
        leaving=leaving_preview(colleague),
    )


@require_POST
@administrators
def come_back(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Let a former colleague in again."""
    colleague = get_object_or_404(User, pk=pk, is_active=False)
    try:
        user_return(user=colleague, actor=request.user)
    except TeamsError as error:
        done(request, error)
    else:
        done(request, _("%s can sign in again, after choosing a new password.") % colleague.name)
    return redirect(SECTION)
