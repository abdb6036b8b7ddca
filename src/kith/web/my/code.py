"""From an address to a visit: a code is mailed, typed here, and opens the page for half an hour.

What is answered, and how fast, does not depend on whether anybody has the address: it is looked up by a job.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from kith.channels.notices import address_of, can_send, code_ask
from kith.core.often import too_often
from kith.trust.services.visits import CODE_LASTS, VISIT_LASTS, code_try, key_make
from kith.web.my.frame import careful, show, who

VISIT, CODE = "kith_my", "kith_my_code"
PLACE = "/my/"


@careful
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Which address? Then a code is on its way to it."""
    if not can_send():
        words = _("No mailbox is connected here, so that no code can be mailed. Please write to us.")
        return show(request, "said", {"title": _("Your page"), "words": words})
    if request.method != "POST":
        return show(request, "start", {"error": ""}, token=True)
    address = address_of(request.POST.get("email", ""))
    if not address:
        words = _("This does not look like an e-mail address.")
        return show(request, "start", {"error": words}, status=422, token=True)
    if (
        too_often("code-from", who(request), most=10, seconds=3600)
        or too_often("code-to", address, most=3, seconds=900)
        or too_often("code-to-day", address, most=10, seconds=86400)
    ):
        words = _("That was very often. Try again in a while.")
        return show(request, "start", {"error": words}, status=429, token=True)
    key = key_make()
    code_ask(address=address, key=key, language=translation.get_language() or "en")
    response = redirect("my:code")
    _keep(response, CODE, key, CODE_LASTS.total_seconds())
    return response


@careful
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The code from the mail. Wrong, old, used and never sent are one answer."""
    if request.method != "POST":
        return show(request, "code", {"error": ""}, token=True)
    if too_often("code-tries", who(request), most=60, seconds=3600):
        words = _("That was very often. Try again in a while.")
        return show(request, "code", {"error": words}, status=429, token=True)
    opened = code_try(
        key=request.COOKIES.get(CODE, ""),
        code=request.POST.get("code", "")[:40],
        visit_key=request.COOKIES.get(VISIT, ""),
    )
    if opened is None:
        words = _("This code does not open the page. It may be mistyped, older than ten minutes, or used.")
        return show(request, "code", {"error": words}, status=422, token=True)
    response = redirect("my:visit")
    _keep(response, VISIT, opened, VISIT_LASTS.total_seconds())
    response.delete_cookie(CODE, path=PLACE, samesite="Strict")
    return response


def _keep(response: HttpResponse, name: str, value: str, seconds: float) -> None:
    """Sent to these pages alone, never along with what another site starts, seen by no script; https decides "secure"."""
    response.set_cookie(name, value, max_age=int(seconds), path=PLACE, httponly=True, samesite="Strict")
