"""Going on to another site after a form. A redirect would be stopped by our own policy: `form-action 'self'` holds for
where a form's answer redirects to, too."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse

from kith.web.pages import page


def leave_for(request: HttpRequest, address: str) -> HttpResponse:
    """A page that goes on to `address` at once, and shows where. Only to addresses of the web."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SuspiciousOperation("not an address of the web")
    return page(request, "leaving.html", {"address": address, "host": parts.hostname})
