"""The sign-in page; before the first start it leads there."""

from __future__ import annotations

from allauth.account import views
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from kith.core import company
from kith.web.access import public


@public
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Allauth's page, once there is a company."""
    if request.method == "GET" and not company.is_set_up():
        return redirect("setup:start")
    answer: HttpResponseBase = views.login(request)
    return answer
