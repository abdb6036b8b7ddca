"""A call or a letter: what the gate says before one reaches for the phone, and afterwards what was said."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.contacts.selectors import identity_family
from kith.teams.errors import NotAllowed
from kith.trust.services import GateRefused, TrustError, may_approve
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.inbox.write_advice import MATTER, OFFER, offers
from kith.web.people.acts import chosen_scope, contact_or_404, dialog, done, refused, scope_choices
from kith.work.services import WorkError
from kith.workspace.by_hand import ByHand, by_hand_done, by_hand_verdict
from kith.workspace.people_scope import usual_scope


@writers
def by_hand_dialog(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    contact = contact_or_404(contact_id)
    usual = usual_scope(request.viewer, identity_family(contact_id=contact.pk))
    context = {
        "contact": contact,
        "kinds": [("call", _("A phone call")), ("letter", _("A letter"))],
        "purposes": [(MATTER, _("A matter of theirs or ours")), *(offers() or [(OFFER, _("An offer"))])],
        "scopes": scope_choices(request.viewer),
        "usual": str(usual) if usual else "",
        **_said(request, _wanted(request, contact.pk)),
    }
    return dialog(request, "by_hand", context)


def _wanted(request: SignedIn, contact_id: uuid.UUID) -> ByHand:
    given = request.POST if request.method == "POST" else request.GET
    return ByHand(
        contact_id,
        kind=given.get("kind", "call"),
        purpose=given.get("purpose", MATTER)[:60],
        urgent="urgent" in given,
    )


def _said(request: SignedIn, wanted: ByHand) -> dict[str, object]:
    try:
        verdict = by_hand_verdict(request.user, wanted)
    except TrustError as error:
        return {"verdict": None, "problem": str(error), "may": False}
    return {"verdict": verdict, "problem": "", "may": may_approve(request.user, verdict.rule)}


@writers
def by_hand_verdict_part(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """The line that changes with what is chosen."""
    contact = contact_or_404(contact_id)
    return pages.part(
        request, "people/dialogs/by_hand_verdict.html", _said(request, _wanted(request, contact.pk))
    )


@require_POST
@writers
def by_hand(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """POST `kind`, `purpose`, `urgent`, `text`, `scope`, and `reason` where it was held."""
    contact = contact_or_404(contact_id)
    try:
        note = by_hand_done(
            request.user,
            _wanted(request, contact.pk),
            text=request.POST.get("text", ""),
            scope_id=chosen_scope(request.viewer, request.POST.get("scope", "")),
            reason=" ".join(request.POST.get("reason", "").split())[:500],
        )
    except (WorkError, NotAllowed, TrustError, GateRefused) as error:
        return refused(request, error)
    return done(
        request, contact.pk, _("Written down"), to=f"{reverse('person', args=[contact.pk])}#t-{note.pk}"
    )
