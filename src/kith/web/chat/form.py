"""A plain form for those who would rather not chat: works without scripts, alone or in a frame of the account's sites."""

from __future__ import annotations

import secrets
import uuid
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from kith.base import address as addresses
from kith.channels import visitors
from kith.core import company
from kith.core.often import too_often
from kith.networks.models import ChannelAccount
from kith.web.stamps import in_time, stamp

_FORM = "kith.chat.form"


def _words(code: str) -> str:
    return {
        "empty": _("Write something before you send it."),
        "long": _("This is too long. Send at most 4,000 characters."),
        "email": _("This does not look like an e-mail address."),
        "often": _("That was very often. Try again in a while."),
        "soon": _("Please send it once more."),
    }.get(code, _("This could not be sent. Please try again."))


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    account = visitors.account_of(account_id)
    if account is None:
        return HttpResponse(_("This form is closed."), status=404, content_type="text/plain; charset=utf-8")
    language = request.GET.get("lang", "")
    if language in ("en", "de", "es"):
        translation.activate(language)
    if request.method == "POST":
        return _sent(request, account)
    return _page(request, account)


def _page(
    request: HttpRequest,
    account: ChannelAccount,
    *,
    error: str = "",
    field: str = "",
    done: bool = False,
    status: int = 200,
) -> HttpResponse:
    said = {name: request.POST.get(name, "")[:5000] for name in ("name", "email", "text")}
    response = render(
        request,
        "chat/form.html",
        {
            "title": account.display_name or account.name,
            "company": company.name(),
            "language": translation.get_language() or "en",
            "said": said,
            "error": error,
            "field": field,
            "done": done,
            "stamp": stamp(_FORM, str(account.pk)),
            "length": visitors.TEXT,
        },
        status=status,
    )
    sites = " ".join(sorted(visitors.origins_of(account)))
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self' {sites}"
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _sent(request: HttpRequest, account: ChannelAccount) -> HttpResponse:
    address = addresses.counted(str(request.META.get("REMOTE_ADDR", "")))
    if too_often("form", address, most=20, seconds=3600):
        return _page(request, account, error=_words("often"), status=429)
    if not in_time(request.POST.get("stamp", ""), _FORM, str(account.pk)) or request.POST.get("website"):
        return _page(request, account, error=_words("soon"), status=422)
    email = request.POST.get("email", "").strip()
    try:
        if not email:
            raise visitors.VisitorError("email")
        visitors.visitor_says(
            account=account,
            key=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(12),
            text=request.POST.get("text", ""),
            name=request.POST.get("name", ""),
            email=email,
        )
    except visitors.VisitorError as error:
        field = {"email": "email", "empty": "text", "long": "text"}.get(error.code, "")
        return _page(request, account, error=_words(error.code), field=field, status=422)
    return _page(request, account, done=True)


@require_GET
def style(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        (Path(__file__).parent / "form.css").read_bytes(),
        content_type="text/css; charset=utf-8",
        headers={"Cache-Control": "public, max-age=3600"},
    )
