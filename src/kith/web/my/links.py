"""Behind the link of a mail: unsubscribe, choose topics, pause. Nothing is shown of whose it is, for mails are forwarded.

The link is the proof, so that no cookie and no token of a form is asked for. GET never acts, whoever follows the link.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kith.contacts.models import Identity
from kith.core.often import too_often
from kith.trust.links import link_identity
from kith.web.my.choices import choices_apply, choices_of, stop
from kith.web.my.frame import careful, masked, proof, show, who

ONE_CLICK = "One-Click"
LINK = "/my/"  # the page as it is kept with a proof: without the link itself


@careful
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def wishes(request: HttpRequest, token: str) -> HttpResponse:
    identity = link_identity(token)
    if identity is None:
        return gone(request)
    if request.method == "POST":
        if too_often("wishes", token, most=60, seconds=600):
            return show(
                request,
                "said",
                {"title": _("Too many tries"), "words": _("Try again in a while.")},
                status=429,
            )
        done = choices_apply(request, identity, method="page", place=LINK)
        return _page(request, token, identity, done=done)
    return _page(request, token, identity)


@careful
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """RFC 8058: a POST of `List-Unsubscribe=One-Click` by a mail program, without cookies, acts at once."""
    identity = link_identity(token)
    if identity is None:
        return gone(request)
    if request.method != "POST":
        return _page(request, token, identity)
    if request.POST.get("List-Unsubscribe") != ONE_CLICK:
        return _page(request, token, identity, status=400)
    stop(identity, proof(request, "one_click", "List-Unsubscribe=One-Click", place=LINK))
    return _page(request, token, identity, done=_("Done: you get no more offers this way."))


def _page(
    request: HttpRequest, token: str, identity: Identity, *, done: str = "", status: int = 200
) -> HttpResponse:
    return show(
        request,
        "wishes",
        {
            "token": token,
            "choices": choices_of(identity),
            "address": masked(identity.handle or identity.external_id),
            "done": done,
        },
        status=status,
    )


def gone(request: HttpRequest) -> HttpResponse:
    """A link that was cut, forged or replaced."""
    if too_often("links", who(request), most=300, seconds=600):
        return show(
            request, "said", {"title": _("Too many tries"), "words": _("Try again in a while.")}, status=429
        )
    return show(
        request,
        "said",
        {
            "title": _("This link does not work any more"),
            "words": _(
                "It may have been cut in two by your mail program, or replaced by a newer one. To get no more mails "
                "from us, answer any of them with the word “unsubscribe”; a person reads it. Or open your page with "
                "a code that we mail to you."
            ),
            "start": True,
        },
        status=404,
    )
