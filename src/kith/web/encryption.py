"""Whether what somebody types can be read on its way here."""

from __future__ import annotations

from django.http import HttpRequest

from kith.base.http import is_local
from kith.web.live.address import split_host


def can_be_overheard(request: HttpRequest) -> bool:
    """Whether passwords typed into this page would travel in the clear."""
    place = split_host(request.META.get("HTTP_HOST", ""))
    return not request.is_secure() and place is not None and not is_local(place[0])
