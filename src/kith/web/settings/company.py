"""The company: its name, its address, how it signs; and the way into the settings."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from kith.core import company as values
from kith.teams.errors import TeamsError
from kith.teams.services import company_update
from kith.web.access import SignedIn, administrators, signed_in
from kith.web.settings.forms import CompanyForm
from kith.web.settings.page import blame, done, show
from kith.web.setup.views import without_address


@signed_in
def start(request: SignedIn) -> HttpResponse:
    """What can be set, a sentence each: those sections that one may open."""
    return show(request, "settings/start.html", section="settings:start")


@administrators
def company(request: SignedIn) -> HttpResponse:
    """GET shows, POST changes."""
    initial = {
        "name": values.name(),
        "public_url": values.value("public_url", ""),
        "outgoing_name": values.value("outgoing_name", ""),
    }
    form = CompanyForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            company_update(values=form.changed())
        except TeamsError as error:
            blame(form, error)
        else:
            done(request, _("The company is changed."))
            return redirect("settings:company")
    return show(
        request,
        "settings/company.html",
        section="settings:company",
        status=422 if request.method == "POST" else 200,
        form=form,
        fixed=settings.KITH.public_url,
        plain_http=values.public_url().startswith("http://"),
        missing=[] if values.public_url() else without_address(),
    )
