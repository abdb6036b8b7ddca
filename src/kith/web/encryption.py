"""Whether what somebody types can be read on its way here."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest

from kith.web.live.address import split_host


def is_local(name: str) -> bool:
    """Whether a host's name is this machine itself: what is said to it leaves no machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def can_be_overheard(request: HttpRequest) -> bool:
    """Whether passwords typed into this page would travel in the clear."""
    place = split_host(request.META.get("HTTP_HOST", ""))
    return not request.is_secure() and place is not None and not is_local(place[0])
