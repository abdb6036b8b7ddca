"""What became of a request that came by a network: how far it is, by its code."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kith.core.often import too_often
from kith.web.my.frame import careful, show, who
from kith.workspace.asked_deletions import deletion_status


@careful
@require_safe
def deletion(request: HttpRequest, code: str) -> HttpResponse:
    """Says nothing of whose the request is; a code that nobody has is told as such."""
    if too_often("deletion-page", who(request), most=60, seconds=600):
        words = _("Try again in a while.")
        return show(request, "said", {"title": _("Too many tries"), "words": words}, status=429)
    found = deletion_status(code) if code.isascii() and code.isalnum() and len(code) <= 64 else None
    if found is None:
        words = _("We know no request with this code. Look whether the whole address was copied.")
        return show(request, "said", {"title": _("No such request"), "words": words}, status=404)
    return show(request, "deletion", {"found": found})
