"""What a person agreed to, objects to and wishes: shown, and written down by colleagues with its proof."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.contacts.names import person_name
from kith.core.fields import as_uuid
from kith.teams.errors import TeamsError
from kith.trust.links import links_revoke_of
from kith.trust.models import Consent, Objection
from kith.trust.selectors import topics
from kith.trust.services import pause_set, wish_set
from kith.trust.services.by_colleagues import (
    Said,
    consent_note,
    consent_take_back,
    objection_note,
    objection_note_end,
)
from kith.trust.services.consents import PER_MONTH
from kith.trust.wishes import channel_of_identity, wishes_of
from kith.web import pages
from kith.web.access import SignedIn, managers, signed_in, writers
from kith.web.my.choices import PAUSES
from kith.web.people.acts import contact_or_404
from kith.web.people.attention import channel_words

ELSEWHERE = ("phone", "sms", "letter")  # calls and letters go to the person, by whichever address we have


def _identities(contact: Contact) -> list[Identity]:
    return list(
        Identity.objects.filter(contact__canonical_id=contact.pk)
        .exclude(kind__in=[Identity.Kind.US, Identity.Kind.AUTOMATED])
        .order_by("id")
    )


def _places(identities: list[Identity]) -> list[tuple[str, str]]:
    """What consent may be for: each address on its own channel, and the person by phone, SMS and letter."""
    words = channel_words()
    found = [
        (f"{one.pk}:{channel}", f"{words[channel]}: {one.handle or one.external_id}")
        for one in identities
        if (channel := channel_of_identity(one)) not in ELSEWHERE
    ]
    if identities:
        found += [(f"{identities[0].pk}:{channel}", words[channel]) for channel in ELSEWHERE]
    return found


def way_words() -> dict[str, str]:
    return {
        "talk": _("in a talk"),
        "phone": _("by phone"),
        "paper": _("on paper, signed"),
        "message": _("in a message"),
        "form": _("in a form elsewhere"),
        "other": _("in another way"),
    }


@signed_in
def person_consent(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """What stands, the log behind it, and for who may write the forms."""
    contact = contact_or_404(contact_id)
    if contact.pk != contact_id:
        return HttpResponseRedirect(reverse("person_consent", args=[contact.pk]))
    return _page(request, contact)


def _page(request: SignedIn, contact: Contact, error: TeamsError | None = None) -> HttpResponse:
    identities = _identities(contact)
    names = {topic.key: topic.name for topic in topics()}
    rows = list(
        Consent.objects.filter(identity__in=identities)
        .select_related("identity", "recorded_by")
        .order_by("-given_at", "-id")[:200]
    )
    offered = [*names.items()] or [("offers", _("Offers"))]
    context = {
        "contact": contact,
        "name": person_name(
            preferred=contact.preferred_name, family=contact.family_name, name=contact.name
        ) or _("Somebody"),
        "may": request.user.may_write,
        "standing": [(one, wishes_of(one)) for one in identities],
        "objections": Objection.objects.filter(identity__in=identities, ended_at=None).order_by("made_at"),
        "rows": rows,
        "topics": {**names, "all": _("all offers"), "offers": names.get("offers", _("Offers"))},
        "purposes": [*offered, ("all", _("All offers (only to stop them)"))],
        "places": _places(identities),
        "addresses": [(str(one.pk), one.handle or one.external_id) for one in identities],
        "ways": list(way_words().items()),
        "way_words": way_words(),
        "channels": channel_words(),
        "often": [("-", _("leave as it is")), ("", _("at our own pace")), *((str(n), str(n)) for n in PER_MONTH if n)],
        "pauses": [("30", _("for a month")), ("90", _("for three months")), ("180", _("for half a year")), ("0", _("no pause"))],
        "today": localdate(now()).isoformat(),
        "error": str(error) if error else "",
        "field": error.field if error else "",
        "form": request.POST.get("form", ""),
        "typed": {key: request.POST.get(key, "") for key in ("place", "purpose", "way", "words", "on", "does")},
    }  # fmt: skip
    return pages.page(request, "people/consent.html", context, section="people", status=422 if error else 200)


def _said(request: SignedIn) -> Said:
    try:
        on = date.fromisoformat(request.POST.get("on", ""))
    except ValueError:
        on = None
    return Said(request.POST.get("way", ""), request.POST.get("words", ""), on)


def _identity(contact: Contact, text: str) -> Identity:
    """One of theirs that a form names; Http404 for another."""
    return get_object_or_404(
        Identity.objects.exclude(kind=Identity.Kind.US),
        pk=as_uuid(text),
        contact__canonical_id=contact.pk,
    )


@require_POST
@writers
def person_consent_keep(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """POST `form`: "consent", "objection", "objection_end" or "wish"; what is refused keeps what was typed."""
    contact = contact_or_404(contact_id)
    deed = {
        "consent": _keep_consent,
        "objection": _keep_objection,
        "objection_end": _keep_objection_end,
        "wish": _keep_wish,
    }.get(request.POST.get("form", ""))
    if deed is None:
        raise Http404
    try:
        said, undo = deed(request, contact)
    except TeamsError as error:
        return _page(request, contact, error)
    pages.toast_later(request, said, undo=undo)
    return HttpResponseRedirect(reverse("person_consent", args=[contact.pk]))


def _keep_consent(request: SignedIn, contact: Contact) -> tuple[str, str]:
    key, _sep, channel = request.POST.get("place", "").partition(":")
    before = now()
    row = consent_note(
        identity_id=_identity(contact, key).pk,
        purpose=request.POST.get("purpose", ""),
        channel=channel,
        agrees=request.POST.get("does") == "given",
        said=_said(request),
        user=request.user,
    )
    if row.created_at < before:
        return _("That stood here already."), ""
    return _("Written down"), reverse("person_consent_undo", args=[contact.pk, row.pk])


def _keep_objection(request: SignedIn, contact: Contact) -> tuple[str, str]:
    identity = _identity(contact, request.POST.get("identity", ""))
    objection_note(identity_id=identity.pk, said=_said(request), user=request.user)
    return _("Written down: no offers go to them any more"), ""


def _keep_objection_end(request: SignedIn, contact: Contact) -> tuple[str, str]:
    row = get_object_or_404(
        Objection, pk=as_uuid(request.POST.get("objection", "")), identity__contact__canonical_id=contact.pk
    )
    objection_note_end(
        identity_id=row.identity_id, purpose=row.purpose, said=_said(request), user=request.user
    )
    return _("Written down: they object no more"), ""


def _keep_wish(request: SignedIn, contact: Contact) -> tuple[str, str]:
    identity = _identity(contact, request.POST.get("identity", ""))
    often, pause = request.POST.get("often", "-"), request.POST.get("pause", "")
    days = dict(PAUSES).get(pause)
    if pause == "0" or days:
        until = now() + timedelta(days=days) if days else None
        pause_set(identity_id=identity.pk, until=until, user=request.user)
    if often in ("", *(str(n) for n in PER_MONTH if n)):
        wish_set(identity_id=identity.pk, per_month=int(often) if often else None, user=request.user)
    return _("Written down"), ""


@require_POST
@writers
def person_consent_undo(request: SignedIn, contact_id: uuid.UUID, row_id: uuid.UUID) -> HttpResponse:
    """Takes back what the same colleague wrote down within ten minutes."""
    contact = contact_or_404(contact_id)
    row = get_object_or_404(Consent, pk=row_id, identity__contact__canonical_id=contact.pk)
    taken = consent_take_back(consent=row, user=request.user)
    said = _("Taken back") if taken else _("Something else was said since, or it is too long ago.")
    pages.toast_later(request, said)
    return HttpResponse(headers={"HX-Redirect": reverse("person_consent", args=[contact.pk])})


@require_POST
@managers
def person_links_revoke(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """The links in mails to them end; there is no undo, as whoever had one is not to have it again."""
    contact = contact_or_404(contact_id)
    links_revoke_of(contact_id=contact.pk, user=request.user)
    pages.toast_later(request, _("The links in their mails work no more"))
    return HttpResponseRedirect(reverse("person_consent", args=[contact.pk]))
