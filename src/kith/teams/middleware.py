"""Who asks, and from that language, time zone and actor of each request."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from kith.core import audit
from kith.teams.models import User, known


class Authentication(AuthenticationMiddleware):
    """Django's, with the user whom the statement that read the session has brought along (`sessions`)."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user(request))  # type: ignore[assignment]


def _user(request: HttpRequest) -> object:
    if not hasattr(request, "_cached_user"):
        request.session.get(auth.SESSION_KEY)  # reads it
        before = known.set(getattr(request.session, "user_read", None))
        try:
            request._cached_user = auth.get_user(request)  # type: ignore[attr-defined]
        finally:
            known.reset(before)
    return request._cached_user  # type: ignore[attr-defined]


class Preferences:
    """Activates the user's language and time zone and says to the audit log who acts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        audit.act_as(audit.SYSTEM)
        if isinstance(user, User):
            audit.act_as(audit.Actor(user.id, user.name, request.META.get("REMOTE_ADDR")))
            if user.language:
                translation.activate(user.language)
                request.LANGUAGE_CODE = translation.get_language()
            try:
                timezone.activate(
                    zoneinfo.ZoneInfo(user.time_zone) if user.time_zone else timezone.get_default_timezone()
                )
            except (zoneinfo.ZoneInfoNotFoundError, ValueError):
                timezone.deactivate()
        else:
            timezone.deactivate()
        return self.get_response(request)
