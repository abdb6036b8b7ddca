"""The first start in the browser: once, and only for who can read what `kith up` prints."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from kith.core import company
from kith.teams.errors import TeamsError
from kith.teams.services.company import company_create, setup_token_holds
from kith.web.access import public
from kith.web.pages import page
from kith.web.settings.page import blame
from kith.web.setup.forms import SetupForm

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@sensitive_post_parameters()
@never_cache
@public
def first_start(request: HttpRequest) -> HttpResponse:
    """GET asks, POST makes the company and signs its owner in. 404 as soon as there is a company."""
    if company.is_set_up():
        raise Http404
    token = str(request.POST.get("token") or request.GET.get("token") or "")
    if not setup_token_holds(token):
        return page(request, "setup/locked.html", {"tried": bool(token)}, status=403)
    form = SetupForm(request.POST or None, initial={"token": token, "language": request.LANGUAGE_CODE})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            user = company_create(
                name=values["company"],
                public_url=values["public_url"],
                user_name=values["name"],
                email=values["email"],
                password=values["password"],
                language=values["language"],
            )
        except ValidationError as error:
            form.add_error("password", list(error.messages))
        except TeamsError as error:
            blame(form, error)
        else:
            login(request, user, BACKEND)
            return redirect("/")
    known = settings.KITH.public_url
    status = 422 if request.method == "POST" else 200
    return page(
        request,
        "setup/start.html",
        {"form": form, "known": known, "missing": without_address()},
        status=status,
    )


def without_address() -> list[str]:
    """What does not work until there is a public address, in words."""
    return [
        _("Chat on your own site: the pages of your visitors could not load it."),
        _(
            "One-click links in mails, such as \u201cunsubscribe\u201d, and links in invitations to people elsewhere."
        ),
        _("Messages that networks push to Kith; they are fetched every few minutes instead."),
        _("Passkeys, and notifications on phones: browsers allow both over https only."),
    ]
