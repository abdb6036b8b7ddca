"""To the company's issuer and back. What comes back is judged in `kith.teams.single_sign_on`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from kith.teams.single_sign_on import PROVIDER, IssuerAdapter
from kith.web.access import public
from kith.web.leaving import leave_for

logger = logging.getLogger(__name__)


@transaction.non_atomic_requests
@never_cache
@public
def begin(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """GET asks whether to go there, POST goes, with a state and a PKCE challenge kept in the session."""
    answer = _asked(request, provider_id, OAuth2LoginView)
    if answer.status_code == 302 and not answer.headers["Location"].startswith("/"):
        return leave_for(request, answer.headers["Location"])
    return answer


@transaction.non_atomic_requests
@never_cache
@public
def back(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """The issuer sends the browser here with a code."""
    return _asked(request, provider_id, OAuth2CallbackView)


def _asked(request: HttpRequest, provider_id: str, view: Any) -> HttpResponseBase:
    if provider_id != PROVIDER or not settings.KITH.oidc_url:
        raise Http404
    if view is OAuth2LoginView:  # whoever makes a link must not choose what the issuer is asked
        request.GET = request.GET.copy()  # type: ignore[assignment]
        for name in ("auth_params", "scope"):
            request.GET.pop(name, None)  # type: ignore[misc]
    adapter = IssuerAdapter(request, provider_id)
    shown: Callable[[HttpRequest], HttpResponseBase] = view.adapter_view(adapter)
    try:
        if request.method == "POST":
            adapter.openid_config  # noqa: B018  (looked at before anybody is sent there)
        return shown(request)
    except OAuth2Error as error:
        logger.warning("single sign-on: %s", error)
        return render(request, "socialaccount/authentication_error.html", status=502)
