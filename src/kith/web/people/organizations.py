"""Companies: who works there, in which role, from when to when, and what is said with them."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.contacts.models import Organization
from kith.contacts.services import affiliation_record, organization_get_or_create, organization_update
from kith.core.fields import as_uuid
from kith.web import pages
from kith.web.access import SignedIn, reading, signed_in, writers
from kith.web.people.acts import contact_or_404, dialog, done, refused
from kith.workspace.organizations import organization_page, organizations_list
from kith.workspace.people_list import PeopleView, people_list


@reading
@signed_in
def organizations(request: SignedIn) -> HttpResponse:
    """Companies by name; `?q=` narrows, `?after=` goes on."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    rows, following = organizations_list(text, cursor=request.GET.get("after"))
    context = {"rows": rows, "q": text, "next": following, "first": "after" not in request.GET}
    if pages.wants_fragment(request):
        return pages.part(request, "people/organization_rows.html", context)
    return pages.page(request, "people/organizations.html", context, section="people")


@reading
@signed_in
def organization(request: SignedIn, organization_id: uuid.UUID) -> HttpResponse:
    page = organization_page(request.viewer, organization_id)
    if page is None:
        raise Http404
    return pages.page(request, "people/organization.html", {"page": page}, section="people")


def _organization(organization_id: uuid.UUID) -> Organization:
    found = Organization.objects.filter(pk=organization_id).first()
    if found is None:
        raise Http404
    return found


@writers
def edit_dialog(request: SignedIn, organization_id: uuid.UUID) -> HttpResponse:
    return dialog(request, "organization", {"organization": _organization(organization_id)})


@require_POST
@writers
def edit(request: SignedIn, organization_id: uuid.UUID) -> HttpResponse:
    row = _organization(organization_id)
    values = {
        name: request.POST.get(name, "").strip()[:most]
        for name, most in (
            ("name", 300),
            ("domain", 255),
            ("website", 500),
            ("city", 120),
            ("about", 5000),
        )
    }
    if not values["name"]:
        return refused(request, _("A name is needed."))
    if values["website"] and urlsplit(values["website"]).scheme not in ("http", "https"):
        return refused(request, _("A website begins with https://."))
    organization_update(organization=row, **values)
    return done(request, None, _("Kept"), to=reverse("organization", args=[row.pk]))


@require_POST
@writers
def new(request: SignedIn) -> HttpResponse:
    """POST `name`: the company of that name, made if there is none."""
    name = " ".join(request.POST.get("name", "").replace("\x00", "").split())[:300]
    if not name:
        return refused(request, _("A name is needed."))
    row = organization_get_or_create(name=name)
    return done(request, None, _("Kept"), to=reverse("organization", args=[row.pk]))


@writers
def person_dialog(request: SignedIn, organization_id: uuid.UUID) -> HttpResponse:
    """Who works there: searched among the people; `?q=` gives the rows alone."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:300]
    found = people_list(request.viewer, PeopleView(search=text), limit=8).rows if text else ()
    context = {"organization": _organization(organization_id), "q": text, "found": found}
    if "q" in request.GET:
        return pages.part(request, "people/dialogs/colleague_rows.html", context)
    return dialog(request, "colleague", context)


@require_POST
@writers
def person_add(request: SignedIn, organization_id: uuid.UUID) -> HttpResponse:
    """POST `person`, `role`, `from`."""
    row, key = _organization(organization_id), as_uuid(request.POST.get("person", ""))
    if key is None:
        return refused(request, _("Choose who works there."))
    try:
        begins = parse_date(request.POST.get("from", "").strip())
    except ValueError:
        begins = None
    affiliation_record(
        contact_id=contact_or_404(key).pk,
        organization=row,
        role=" ".join(request.POST.get("role", "").replace("\x00", "").split()),
        begins_on=begins,
    )
    return done(request, None, _("Kept"), to=reverse("organization", args=[row.pk]))
