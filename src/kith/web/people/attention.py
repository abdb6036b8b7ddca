"""The calendar of a person's attention, with the balance of what we gave and asked."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from kith.contacts.models import Contact
from kith.contacts.selectors import contact_family
from kith.web import pages
from kith.web.access import SignedIn, reading, signed_in
from kith.workspace.attention import attention_of

SHOWN = {"": (), "made": ("made",), "planned": ("planned",), "held": ("held", "denied")}


@reading
@signed_in
def person_attention(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """What reached a person within a year, what was held and what is planned; `?show=` made, planned or held alone."""
    family = contact_family(contact_id)
    if family is None:
        raise Http404
    if family.contact_id != contact_id:
        return HttpResponseRedirect(reverse("person_attention", args=[family.contact_id]))
    contact = Contact.objects.get(pk=contact_id)
    found = attention_of(request.viewer, family)
    show = request.GET.get("show", "")
    states = SHOWN.get(show, ())
    names = {"": _("Everything"), "made": _("Reached them"), "planned": _("Planned"), "held": _("Held back")}
    context = {
        "contact": contact,
        "name": contact.name or contact.preferred_name or _("Somebody"),
        "found": found,
        "rows": [row for row in found.rows if not states or row.state in states],
        "shown": [
            {"text": text, "href": f"?show={key}" if key else "?", "current": key == show}
            for key, text in names.items()
        ],
        "kinds": kind_words(),
        "channels": channel_words(),
        "windows": window_words(),
        "most": max((week.count for week in found.weeks), default=0),
    }
    return pages.page(request, "people/attention.html", context, section="people")


def kind_words() -> dict[str, str]:
    return {
        "reply": _("answer"),
        "acknowledgement": _("automatic acknowledgement"),
        "transactional": _("notice"),
        "campaign": _("offer to many"),
        "sequence": _("offer in a row"),
        "outreach": _("offer"),
    }


def channel_words() -> dict[str, str]:
    return {
        "email": _("by mail"),
        "sms": _("by text message"),
        "phone": _("by phone"),
        "letter": _("by letter"),
        "public": _("in public"),
        "direct": _("by direct message"),
    }


def window_words() -> dict[str, str]:
    return {"year": _("in a year"), "month": _("in 30 days"), "week": _("in 7 days")}
