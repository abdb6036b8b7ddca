""" "How do we know this?": a fact's quote, date, source and confidence, what it may serve, until when; and what to do."""

from __future__ import annotations

import uuid
from datetime import datetime, time

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.base.clock import now
from kith.contacts.models import CustomField, Fact
from kith.contacts.services import fact_expire, fact_told, fact_told_undo
from kith.conversations.models import MessageCopy
from kith.trust.fact_view import fact_for_offers
from kith.trust.models import Topic
from kith.web import pages
from kith.web.access import SignedIn, signed_in, writers
from kith.web.people.acts import contact_or_404, dialog, done, refused
from kith.web.people.facts import fact_or_404
from kith.workspace.people_facts import LABELS, words_of


@signed_in
def how_dialog(request: SignedIn, fact_id: uuid.UUID) -> HttpResponse:
    """All that is known of a fact."""
    fact = fact_or_404(request, fact_id)
    key = fact.attribute.removeprefix("custom.")
    own = CustomField.objects.filter(key=key).first() if fact.attribute.startswith("custom.") else None
    names = dict(Topic.objects.filter(key__in=fact.purposes).values_list("key", "name"))
    words = {"service": _("a matter of theirs"), "all": _("everything"), "offers": _("offers")}
    return dialog(
        request,
        "how",
        {
            "fact": fact,
            "label": str(LABELS.get(fact.attribute) or (own.label if own else words_of(fact.attribute))),
            "where": _where(request, fact),
            "purposes": [names.get(p) or words.get(p) or p for p in fact.purposes],
            "offers": fact_for_offers(fact),
            "sure": sure_words(fact.confidence),
            "over": fact.expires_at is not None and fact.expires_at <= now(),
        },
    )


def sure_words(confidence: float) -> str:
    """How sure a fact is, in words and as a number."""
    word = (
        _("certain")
        if confidence >= 0.95
        else _("quite sure")
        if confidence >= 0.7
        else _("likely")
        if confidence >= 0.5
        else _("a guess")
    )
    return f"{word} ({round(confidence * 100)} %)"


def _where(request: SignedIn, fact: Fact) -> str:
    """The address of the message that says so, where the viewer sees it."""
    if fact.message_id is None:
        return ""
    found = (
        MessageCopy.objects.filter(message_id=fact.message_id, scope_id__in=request.viewer.scope_ids)
        .order_by("id")
        .values_list("thread__conversation_id", flat=True)
        .first()
    )
    return f"{reverse('conversation', args=[found])}?m={fact.message_id}" if found else ""


@require_POST
@writers
def told(request: SignedIn, fact_id: uuid.UUID) -> HttpResponse:
    """They told us themselves, says a colleague; `?undo=1` takes it back."""
    fact = fact_or_404(request, fact_id)
    if "undo" in request.GET:
        fact_told_undo(fact=fact)
        return pages.with_toast(HttpResponse(headers={"HX-Trigger": "kith:advice"}), _("Taken back"))
    if fact.retracted_at is not None:
        return pages.with_toast(HttpResponse(), _("It no longer counts."), kind="error")
    made = fact_told(fact=fact, user=request.user)
    undo = f"{reverse('fact_told', args=[made.pk])}?undo=1"
    return pages.with_toast(HttpResponse(), _("Noted: they told us themselves."), undo=undo)


@require_POST
@writers
def expires(request: SignedIn, fact_id: uuid.UUID) -> HttpResponse:
    """POST `until`, a day: from then on it no longer counts; "" for never."""
    fact = fact_or_404(request, fact_id)
    text = (request.POST.get("until") or request.GET.get("until") or "").strip()
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if text and day is None:
        return refused(request, _("Say until which day."))
    until = timezone.make_aware(datetime.combine(day, time())) if day else None
    before = f"{timezone.localdate(fact.expires_at):%Y-%m-%d}" if fact.expires_at else ""
    fact_expire(fact=fact, at=until)
    return done(
        request,
        contact_or_404(fact.contact_id).pk,
        _("Kept"),
        undo=f"{reverse('fact_expires', args=[fact.pk])}?until={before}",
    )
