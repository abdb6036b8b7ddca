"""Who may call a view. Every view carries exactly one of these decorators; a test walks the URL configuration."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django_htmx.middleware import HtmxDetails

from kith.teams.models import User
from kith.teams.selectors import viewer_of
from kith.teams.types import Viewer

P = ParamSpec("P")
Permission = Literal["public", "signed_in", "writers", "managers", "administrators"]


class SignedIn(HttpRequest):
    """A request of someone who works here, with what they may see."""

    user: User
    viewer: Viewer
    htmx: HtmxDetails


View = Callable[Concatenate[SignedIn, P], HttpResponseBase]


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    here = request.headers.get("HX-Current-URL") or request.get_full_path()
    address = f"{reverse('account_login')}?{urlencode({'next': here if here.startswith('/') else '/'})}"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=200, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def _guard(permission: Permission, may: Callable[[User], bool]) -> Callable[[View[P]], Callable[..., Any]]:
    def decorate(view: View[P]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(request: SignedIn, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not isinstance(request.user, User) or not request.user.is_active:
                return _ask_to_sign_in(request)
            if not may(request.user):
                raise PermissionDenied
            request.viewer = request.user.viewer_read or viewer_of(request.user)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def signed_in(view: View[P]) -> Callable[..., Any]:
    """Everyone who works here, viewers too; what they see is said by their scopes."""
    return _guard("signed_in", lambda user: True)(view)


def reading(view: Callable[..., Any]) -> Callable[..., Any]:
    """Above `signed_in`: a view that only reads (or writes one statement), without a transaction around it.

    A transaction takes two round trips to the database, and gives readers nothing: at READ COMMITTED each of their
    statements sees what was committed before it, in a transaction or out of one.
    """
    return transaction.non_atomic_requests(view)


def writers(view: View[P]) -> Callable[..., Any]:
    """Everyone but viewers: whatever changes a conversation or a person."""
    return _guard("writers", lambda user: user.may_write)(view)


def managers(view: View[P]) -> Callable[..., Any]:
    return _guard("managers", lambda user: user.manages)(view)


def administrators(view: View[P]) -> Callable[..., Any]:
    return _guard("administrators", lambda user: user.administers)(view)


def public(view: Callable[Concatenate[HttpRequest, P], HttpResponseBase]) -> Callable[..., Any]:
    """No sign-in: the view itself says why that is safe."""
    view.permission = "public"  # type: ignore[attr-defined]
    return view
