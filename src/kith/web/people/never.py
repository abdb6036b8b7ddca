"""Never contact: said of a person with a reason, shown on their page, and lifted by a manager with another."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.contacts.selectors import identity_family
from kith.teams.errors import NotAllowed
from kith.trust.selectors import never_contact
from kith.trust.services import TrustError, contact_suppress, suppression_lift, suppression_take_back
from kith.web import pages
from kith.web.access import SignedIn, managers, writers
from kith.web.people.acts import contact_or_404, dialog, done, refused


@writers
def never_dialog(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    return dialog(request, "never", {"contact": contact_or_404(contact_id)})


@require_POST
@writers
def never(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """POST `reason`. The toast takes it back, for whoever slipped."""
    contact = contact_or_404(contact_id)
    try:
        contact_suppress(contact_id=contact.pk, reason=request.POST.get("reason", ""), user=request.user)
    except (TrustError, NotAllowed) as error:
        return refused(request, error)
    return done(
        request,
        contact.pk,
        _("Nothing goes to them any more"),
        undo=reverse("person_never_undo", args=[contact.pk]),
    )


@require_POST
@writers
def never_undo(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    contact = contact_or_404(contact_id)
    suppression_take_back(contact_id=contact.pk, user=request.user)
    return done(request, contact.pk, _("Taken back"))


@managers
def lift_dialog(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    contact = contact_or_404(contact_id)
    return dialog(
        request,
        "lift",
        {"contact": contact, "never": never_contact(identity_family(contact_id=contact.pk))},
    )


@require_POST
@managers
def lift(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """POST `reason`."""
    contact = contact_or_404(contact_id)
    try:
        count = suppression_lift(
            contact_id=contact.pk, reason=request.POST.get("reason", ""), user=request.user
        )
    except TrustError as error:
        return refused(request, error)
    except NotAllowed as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    said = _("They may be written to again") if count else _("It was lifted already")
    return done(request, contact.pk, said)
