"""What all pages for customers have in common: strict headers, nothing kept by anybody, and proof of what was said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.views.decorators.http import require_GET

from kith.base import address as addresses
from kith.core import company
from kith.trust.services import Proof

POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
LANGUAGES = ("en", "de", "es")
View = Callable[..., HttpResponseBase]


def careful(view: View) -> View:
    """Answers are kept by nobody, found by no search engine, framed by no page, and tell no other site the address.

    `?lang=` chooses the language; else the browser's own is taken.
    """

    @wraps(view)
    def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        wanted = request.GET.get("lang", "")
        if wanted in LANGUAGES:
            translation.activate(wanted)
        response = view(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        # Not "no-referrer": browsers then hide the origin of a form, and the check of forms refuses it.
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers.setdefault("Content-Security-Policy", POLICY.format(ancestors="'none'"))
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return inside


def show(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200, token: bool = False
) -> HttpResponse:
    """A page of ours for a visitor; `token`: it has a form that only this browser may send."""
    return render(
        request,
        f"my/{template}.html",
        {
            "company": company.name(),
            "language": translation.get_language() or "en",
            "csrf_token": get_token(request) if token else "",
            "day": day,
            **context,
        },
        status=status,
    )


def day(moment: Any) -> str:
    """A date as the reader writes it; pages without scripts can't ask the browser."""
    return date_format(localtime(moment), "DATE_FORMAT")


def who(request: HttpRequest) -> str:
    """The network address that limits count."""
    return addresses.counted(str(request.META.get("REMOTE_ADDR", "")))


def proof(request: HttpRequest, method: str, text: str, **more: str) -> Proof:
    """What is kept of a click: the words, the page without its secret, from where, and by which program."""
    return Proof(
        method=method,
        text=text,
        language=translation.get_language() or "",
        place=more.pop("place", request.path),
        address=str(request.META.get("REMOTE_ADDR", "")),
        agent=request.headers.get("User-Agent", ""),
        more=tuple(more.items()),
    )


def masked(address: str) -> str:
    """ "ada@example.org" as "a…@example.org": a mail may be forwarded, so that a link shows no address."""
    name, at, host = address.rpartition("@")
    return f"{name[:1]}…@{host}" if at else f"{address[:1]}…"


@require_GET
def style(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        (Path(__file__).parent / "my.css").read_bytes(),
        content_type="text/css; charset=utf-8",
        headers={"Cache-Control": "public, max-age=3600"},
    )
