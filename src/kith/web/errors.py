"""What somebody reads in place of a page that is not there, not theirs, or broken: what it means, and what to do next.

Programs (the API, webhooks) get JSON, htmx and the scripts of our pages a word, which they tell as a toast.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.teams.models import User
from kith.web import pages

log = logging.getLogger(__name__)
PROGRAMS = ("/api/", "/hooks/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        400,
        _("This could not be read"),
        _("The request was cut off or changed on its way. Go back, load the page anew, and try once more."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        403,
        _("This is not open to you"),
        _("Your role does not include it. Somebody who administers Kith can give you another one."),
    )


def no_token(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's answer to a form without the token of its page."""
    return _answer(
        request,
        403,
        _("This page is too old"),
        _(
            "What you sent was not taken, for your safety: the page is older than your sign-in, or the browser keeps no "
            "cookies for Kith. Go back, copy what you typed, load the page anew, and send it again."
        ),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        404,
        _("There is nothing here"),
        _("The address is mistyped, or what it showed was deleted, or is not yours to see."),
    )


def too_often(request: HttpRequest) -> HttpResponse:
    """What allauth answers with when somebody asks for too many codes, mails or sign-ins."""
    return _answer(
        request,
        429,
        _("Too many tries"),
        _("To keep others from guessing, Kith waits a while now. Try again later, in an hour at the most."),
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Nothing here may need the database: it may be what broke."""
    return _answer(
        request,
        500,
        _("Something went wrong on our side"),
        _("The server has noted it. Nothing was half done: try again in a moment. If it happens again, tell whoever runs Kith when it was:"),
        at=now(),
    )  # fmt: skip


def _answer(
    request: HttpRequest, status: int, title: str, words: str, *, at: datetime | None = None
) -> HttpResponse:
    if request.path.startswith(PROGRAMS):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": words}
        return JsonResponse(problem, status=status, content_type="application/problem+json")
    if request.headers.get("HX-Request") or request.headers.get("Sec-Fetch-Dest", "document") not in (
        "document",
        "iframe",
        "frame",
    ):
        return HttpResponse(f"{title}\n", status=status, content_type="text/plain; charset=utf-8")
    try:
        user = getattr(request, "user", None) if status < 500 else None
        context = {
            "user": user if isinstance(user, User) else AnonymousUser(),
            "csrf_token": "",
            "status": status,
            "heading": title,
            "words": words,
            "at": at,
        }
        text = pages.jinja().get_template("error.html").render(context)
    except Exception:
        log.exception("the page of the error %s broke too", status)
        return HttpResponse(f"{title}\n\n{words}\n", status=status, content_type="text/plain; charset=utf-8")
    return pages.answer(text, status)
