"""Language, time zone and actor of each request, from the signed-in user."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation

from kith.core import audit
from kith.teams.models import User


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
