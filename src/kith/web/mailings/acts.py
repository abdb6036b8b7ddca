"""How a deed of a mailing answers."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse

from kith.campaigns.errors import MailingError
from kith.web import pages
from kith.web.access import SignedIn


def act(request: SignedIn, deed: Callable[[], object], said: str, to: str, *, undo: str = "") -> HttpResponse:
    """Do it, say so and go on to an address; what can't be done is said where one is."""
    try:
        deed()
    except MailingError as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    pages.toast_later(request, said, undo=undo)
    return HttpResponse(headers={"HX-Redirect": to})
