"""The public form for topics, alone or in a frame of any page, and the page that confirms what was asked for (double opt-in).

The form answers the same whatever is known of an address. Nothing is sold before its owner has pressed the button.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kith.channels.notices import CONFIRMS, address_of, can_send, confirmation_ask
from kith.core import company
from kith.core.often import too_often
from kith.trust.links import link_identity
from kith.trust.models import Topic
from kith.trust.selectors import topics
from kith.trust.services.subscriptions import subscription_confirm, subscription_pending
from kith.web.my.choices import asks
from kith.web.my.frame import POLICY, careful, proof, show, who
from kith.web.my.links import gone
from kith.web.stamps import in_time, stamp

_FORM = "kith.my.subscribe"


@careful
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest) -> HttpResponse:
    offered = topics()
    if not offered or not can_send() or not company.public_url():
        return show(
            request,
            "said",
            {"title": _("Nothing to subscribe to"), "words": _("There is nothing here at the moment.")},
            status=404,
        )
    if request.method == "POST":
        return _sent(request, offered)
    return _page(request, offered)


def _page(
    request: HttpRequest, offered: list[Topic], *, error: str = "", field: str = "", status: int = 200
) -> HttpResponse:
    response = show(
        request,
        "subscribe",
        {
            "topics": offered,
            "asks": asks("email"),
            "chosen": request.POST.getlist("topic") if request.method == "POST" else [],
            "address": request.POST.get("email", "")[:254],
            "error": error,
            "field": field,
            "stamp": stamp(_FORM, "subscribe"),
        },
        status=status,
    )
    return _frameable(response)


def _frameable(response: HttpResponse) -> HttpResponse:
    """Any page may show the form: whoever is tricked into sending it has still to press a button in a mail."""
    response.headers["Content-Security-Policy"] = POLICY.format(ancestors="*")
    return response


def _sent(request: HttpRequest, offered: list[Topic]) -> HttpResponse:
    if too_often("subscribe", who(request), most=20, seconds=3600):
        return _page(request, offered, error=_("That was very often. Try again in a while."), status=429)
    if request.POST.get("website") or not in_time(request.POST.get("stamp", ""), _FORM, "subscribe"):
        return _page(request, offered, error=_("Please send it once more."), status=422)
    address = address_of(request.POST.get("email", ""))
    if not address:
        words = _("This does not look like an e-mail address.")
        return _page(request, offered, error=words, field="email", status=422)
    chosen = [topic for topic in offered if topic.key in request.POST.getlist("topic")]
    if not chosen:
        return _page(request, offered, error=_("Choose at least one."), field="topic", status=422)
    if not too_often("subscribe-to", address, most=5, seconds=86400):
        text = f"{asks('email')} {', '.join(topic.name for topic in chosen)}"
        confirmation_ask(
            address=address,
            topics=[topic.key for topic in chosen],
            proof=proof(request, "form", text).kept(),
            language=translation.get_language() or "en",
        )
    words = _(
        "We have sent a mail to %s. Open it and press the button there: nothing is sent to you before that. If none "
        "comes, look among the unwanted mails."
    )
    return _frameable(
        show(request, "said", {"title": _("One more step"), "words": words % address, "start": False})
    )


@careful
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the confirmation: GET shows what was asked for, POST agrees to it."""
    identity = link_identity(token, scope=CONFIRMS)
    if identity is None:
        return gone(request)
    pending = subscription_pending(identity)
    button = _("Yes, send me this")
    if request.method == "POST":
        subscription_confirm(
            identity=identity, proof=proof(request, "double_opt_in", button, place="/subscribe/")
        )
        words = _("Thank you. Each mail has a link by which you end it, with one click.")
        return show(request, "said", {"title": _("It is confirmed"), "words": words, "start": True})
    if not pending:
        words = _("What was asked for is confirmed already, or more than a week ago. Then ask again.")
        return show(
            request, "said", {"title": _("There is nothing to confirm"), "words": words, "start": True}
        )
    return show(
        request,
        "confirm",
        {"texts": sorted({str(r.proof.get("text", "")) for r in pending}), "button": button},
    )
