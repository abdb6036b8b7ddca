"""The customer's own page, behind a code: who looks after them, what is open, what is known, and what they may do about it.

A visit covers the identities that were proven in it. Whatever a form names is looked for among those alone.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kith.contacts.models import Identity
from kith.core import blobs
from kith.core.often import too_often
from kith.trust.models import Consent, Topic
from kith.trust.receipts import receipt_of
from kith.trust.services.visits import OpenVisit, visit_end, visit_open
from kith.web.my.choices import channel_words, choices_apply, choices_of
from kith.web.my.code import CODE, PLACE, VISIT
from kith.web.my.frame import careful, show
from kith.web.people.fields import fact_words
from kith.workspace import customer
from kith.workspace.customer_deeds import NotKnown, forget_ask, name_correct, own_export_ask
from kith.workspace.models import OwnExport, PersonRequest

View = Callable[..., HttpResponseBase]


def visiting(view: View) -> View:
    """Only in a visit; who has none, or whose half hour is over, is asked for an address."""

    @careful
    @csrf_protect
    @wraps(view)
    def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        visit = visit_open(request.COOKIES.get(VISIT, ""))
        if visit is None:
            return redirect("my:start")
        if too_often("visit", str(visit.id), most=300, seconds=600):
            words = _("Try again in a while.")
            return show(request, "said", {"title": _("Too many tries"), "words": words}, status=429)
        return view(request, visit, *args, **kwargs)

    return inside


@require_GET
@visiting
def visit(request: HttpRequest, visit: OpenVisit) -> HttpResponse:
    return _page(request, visit)


def _page(
    request: HttpRequest, visit: OpenVisit, *, done: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    ids = visit.identity_ids
    identities = customer.identities_of(ids)
    contacts = customer.contacts_of(identities)
    talks = customer.open_conversations(ids)
    known = customer.known_of(ids, contacts)
    export = _export(visit)
    names = _topic_names()
    called = next((c.preferred_name or c.given_name or c.name for c in contacts), "")
    return show(
        request,
        "visit",
        {
            "called": called,
            "addresses": [one.handle or one.external_id for one in identities],
            "whom": customer.my_person(contacts, talks),
            "cases": customer.open_cases(ids, talks),
            "promises": customer.promises_of(ids, contacts),
            "facts": [(fact, fact_words(fact.attribute, fact.value)) for fact in known],
            "choices": [(one, choices_of(one)) for one in identities if one.kind != Identity.Kind.AUTOMATED],
            "held": customer.held_back(ids),
            "reached": customer.reached(ids),
            "consents": [(row, _consent_words(row, names)) for row in customer.consents_of(ids)],
            "export": export,
            "running": export is not None and export.state in ("waiting", "running"),
            "ends": visit.expires_at,
            "done": done,
            "error": error,
        },
        status=status,
        token=True,
    )


def _topic_names() -> dict[str, str]:
    return dict(Topic.objects.values_list("key", "name"))


def _consent_words(row: Consent, names: Mapping[str, str]) -> str:
    how = _("in any way") if row.channel == "all" else channel_words(row.channel)
    what = _("everything") if row.purpose == "all" else names.get(row.purpose, row.purpose)
    return f"{what} · {how} · {row.get_status_display()}"


def _mine(visit: OpenVisit, text: str) -> Identity:
    """The identity that a form names, if it was proven in this visit."""
    for one in customer.identities_of(visit.identity_ids):
        if str(one.pk) == text:
            return one
    raise Http404


@require_POST
@visiting
def wishes(request: HttpRequest, visit: OpenVisit) -> HttpResponse:
    """Topics, how often, pause, of one of the proven addresses."""
    identity = _mine(visit, request.POST.get("identity", ""))
    done = choices_apply(request, identity, method="visit", place=reverse("my:visit"))
    return _page(request, visit, done=done)


@require_POST
@visiting
def name(request: HttpRequest, visit: OpenVisit) -> HttpResponse:
    """What they want to be called."""
    try:
        kept = name_correct(identity_ids=visit.identity_ids, name=request.POST.get("name", ""))
    except NotKnown:
        return _page(request, visit, error=_("Type the name by which we should call you."), status=422)
    return _page(request, visit, done=_("Thank you. We call you %s from now on.") % kept)


@require_http_methods(["GET", "HEAD", "POST"])
@visiting
def forget(request: HttpRequest, visit: OpenVisit) -> HttpResponse:
    """Asks once more, with words; then erases."""
    if request.method != "POST":
        return show(request, "forget", {"error": "", "word": _("forget me")}, token=True)
    word = _("forget me")
    if " ".join(request.POST.get("word", "").casefold().split()) != word.casefold():
        error = _("Type the words “%s”, so that it does not happen by a slip.") % word
        return show(request, "forget", {"error": error, "word": word}, status=422, token=True)
    try:
        rows = forget_ask(
            identity_ids=visit.identity_ids,
            never_again=request.POST.get("never") == "yes",
            proven_by=f"visit {visit.id}",
        )
    except NotKnown:
        words = _(
            "This address is shared by several people. Please write to us, so that we can ask who you are."
        )
        return show(request, "said", {"title": _("Forget me"), "words": words}, status=422)
    visit_end(request.COOKIES.get(VISIT, ""))
    response = redirect("my:forgotten", rows[0].pk)
    _leave(response)
    return response


@careful
@require_GET
def forgotten(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """How far an erasure is. The number in the address is random and says nothing of whose it is."""
    row = PersonRequest.objects.filter(pk=pk, kind=PersonRequest.Kind.ERASURE).first()
    if row is None:
        raise Http404
    return show(request, "forgotten", {"row": row})


@require_http_methods(["GET", "HEAD", "POST"])
@visiting
def data(request: HttpRequest, visit: OpenVisit) -> HttpResponse:
    """Have the zip made, and see how far it is."""
    if request.method == "POST":
        if too_often("own-export", str(visit.id), most=5, seconds=1800):
            return _page(request, visit, error=_("That was very often. Try again in a while."), status=429)
        own_export_ask(
            visit_id=visit.id,
            identity_ids=visit.identity_ids,
            language=translation.get_language() or "en",
        )
        return redirect("my:data")
    return show(request, "data", {"export": _export(visit)}, token=True)


def _export(visit: OpenVisit) -> OwnExport | None:
    """One that covers what is proven now."""
    rows = OwnExport.objects.filter(visit_id=visit.id).order_by("-created_at")
    return next((row for row in rows if set(row.identity_ids) <= set(visit.identity_ids)), None)


@require_GET
@visiting
def data_file(request: HttpRequest, visit: OpenVisit) -> HttpResponseBase:
    export = _export(visit)
    if export is None or export.state != "done" or not blobs.exists(export.digest):
        raise Http404
    return FileResponse(
        blobs.open_blob(export.digest),
        as_attachment=True,
        filename=_("my-data") + ".zip",
        content_type="application/zip",
    )


def _receipt(visit: OpenVisit, pk: uuid.UUID) -> Consent:
    row = Consent.objects.filter(pk=pk, identity__in=visit.identity_ids).select_related("identity").first()
    if row is None:
        raise Http404
    return row


@require_GET
@visiting
def receipt(request: HttpRequest, visit: OpenVisit, pk: uuid.UUID) -> HttpResponse:
    """One row of the log of consent, to be read."""
    row = _receipt(visit, pk)
    words = {
        "asked_at": _("Asked for"),
        "asked_address": _("Asked from the network address"),
        "asked_place": _("Asked on"),
        "confirmed_at": _("Confirmed"),
        "confirmed_text": _("The button said"),
        "said_on": _("On which day"),
        "method": _("How"),
        "place": _("Where"),
        "address": _("Network address"),
        "agent": _("Program"),
        "language": _("Language"),
    }
    told = [(label, str(row.proof[key])) for key, label in words.items() if row.proof.get(key)]
    context = {
        "row": row,
        "words": _consent_words(row, _topic_names()),
        "told": told,
        "text": row.proof.get("text", ""),
    }
    return show(request, "receipt", context)


@require_GET
@visiting
def receipt_json(request: HttpRequest, visit: OpenVisit, pk: uuid.UUID) -> HttpResponse:
    """The same for a machine (ISO/IEC TS 27560)."""
    text = json.dumps(receipt_of(_receipt(visit, pk)), ensure_ascii=False, indent=1)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="consent-{pk}.json"'
    return response


@require_POST
@visiting
def leave(request: HttpRequest, visit: OpenVisit) -> HttpResponse:
    visit_end(request.COOKIES.get(VISIT, ""))
    response = redirect("my:start")
    _leave(response)
    return response


def _leave(response: HttpResponse) -> None:
    for cookie in (VISIT, CODE):
        response.delete_cookie(cookie, path=PLACE, samesite="Strict")
