"""Where the live events are, seen from a page: under the same origin behind a proxy, else on the neighbouring port.

A request whose Host names our own port came straight to the pages' server, which can't hold streams; the live process
listens on another port of the same host then. Cookies don't tell ports apart, and the live process answers exactly the
origin of the pages (CORS); the pages' policy allows exactly that address (connect-src).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

_HOST = re.compile(r"^(?P<name>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>\d{1,5}))?$")


def split_host(host: str, *, secure: bool = False) -> tuple[str, int] | None:
    """Name (lower case) and port of a Host header; None for what is none."""
    found = _HOST.match(host)
    if found is None:
        return None
    return found["name"].lower(), int(found["port"] or (443 if secure else 80))


def live_origin(request: HttpRequest) -> str:
    """The origin of the live events for this page, "" when it is the page's own."""
    place = split_host(request.META.get("HTTP_HOST", ""), secure=request.is_secure())
    environment = settings.KITH
    if place is None or place[1] != environment.port or environment.host.startswith("/"):
        return ""
    if request.is_secure() or urlsplit(environment.public_url).port == environment.port:
        return ""
    return f"http://{place[0]}:{environment.live_address_port}"


def live_url(request: HttpRequest) -> str:
    """For `data-live-url` of a page."""
    return f"{live_origin(request)}/live/events"


def origin_is_ours(origin: str, host: str, public: str) -> bool:
    """Whether a page of `origin` may read our events: our public origin, or the pages' port of the host that was asked."""
    if not origin or origin == "null":
        return False
    if public and origin == public:
        return True
    parts = urlsplit(origin)
    asked = split_host(host)
    place = split_host(parts.netloc, secure=parts.scheme == "https")
    if asked is None or place is None or place[0] != asked[0]:
        return False
    return parts.scheme == "http" and place[1] in (settings.KITH.port, asked[1])
