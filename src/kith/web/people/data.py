"""Export and erasure of one person, for administrators: asked for, shown as they go on, and confirmed in words."""

from __future__ import annotations

import uuid

from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from kith.contacts.models import Contact
from kith.contacts.names import person_name
from kith.contacts.selectors import canonical_of
from kith.core import blobs
from kith.web import pages
from kith.web.access import SignedIn, administrators
from kith.workspace.erasure import erasure_ask
from kith.workspace.erasure_backups import OldBackup, backups_before
from kith.workspace.export import export_ask
from kith.workspace.models import PersonRequest
from kith.workspace.person_data import person_of
from kith.workspace.person_requests import backups_renew_ask, person_request_again


def _requests(contact_id: uuid.UUID) -> list[PersonRequest]:
    rows = PersonRequest.objects.filter(contact_id__in=person_of(contact_id).contact_ids)
    return list(rows.select_related("asked_by").order_by("-id")[:20])


def _old_backups(rows: list[PersonRequest]) -> dict[uuid.UUID, list[OldBackup]]:
    """By erasure: the backups on this machine that still hold whom it erased."""
    done = [r for r in rows if r.kind == PersonRequest.Kind.ERASURE and r.state == "done" and r.finished_at]
    return {r.pk: backups_before(r.finished_at) for r in done if r.finished_at}


def _name(contact: Contact) -> str:
    return person_name(
        preferred=contact.preferred_name, family=contact.family_name, name=contact.name
    ) or str(contact.pk)


def _contact(contact_id: uuid.UUID) -> Contact:
    found = Contact.objects.select_related("canonical").filter(pk=contact_id).first()
    if found is None:
        raise Http404
    return found.canonical


@never_cache
@administrators
def person_data(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """What was asked for, and how far it is; after an erasure it is all that is left of them."""
    contact = _contact(contact_id)
    rows = _requests(contact.pk)
    under_way = any(r.state in ("waiting", "running") or (r.state == "done" and r.and_backups) for r in rows)
    context = {
        "contact": contact,
        "name": _name(contact) if contact.deleted_at is None else _("Somebody who was erased"),
        "here": canonical_of(contact.pk) is not None,
        "rows": rows,
        "under_way": under_way,
        "error": "",
        "old_backups": _old_backups(rows),
    }
    if pages.wants_fragment(request):
        return pages.part(request, "people/data_rows.html", context)
    return pages.page(request, "people/data.html", context, section="people")


@require_POST
@administrators
def person_export(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    contact = _contact(contact_id)
    if contact.deleted_at is not None:
        raise Http404
    export_ask(contact_id=contact.pk, user=request.user)
    return HttpResponseRedirect(reverse("person_data", args=[contact.pk]))


@require_POST
@administrators
def person_erase(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """POST `words`, the person's name as it is shown, `never_again`, `and_backups`; anything else changes nothing."""
    contact = _contact(contact_id)
    if contact.deleted_at is not None:
        raise Http404
    name = _name(contact)
    if " ".join(request.POST.get("words", "").split()).casefold() != " ".join(name.split()).casefold():
        context = {
            "contact": contact,
            "name": name,
            "here": True,
            "rows": _requests(contact.pk),
            "under_way": False,
            "old_backups": {},
            "error": _("This is not the name as it stands above. Nothing was erased."),
        }
        return pages.page(request, "people/data.html", context, section="people", status=422)
    erasure_ask(
        contact_id=contact.pk,
        user=request.user,
        never_again="never_again" in request.POST,
        and_backups="and_backups" in request.POST,
    )
    return HttpResponseRedirect(reverse("person_data", args=[contact.pk]))


@require_POST
@administrators
def person_backups(request: SignedIn, request_id: uuid.UUID) -> HttpResponse:
    """Backups that still hold somebody who was erased go, behind a new one."""
    found = get_object_or_404(PersonRequest, pk=request_id)
    backups_renew_ask(request_id=request_id, user=request.user)
    return HttpResponseRedirect(reverse("person_data", args=[found.contact_id]))


@require_POST
@administrators
def person_again(request: SignedIn, request_id: uuid.UUID) -> HttpResponse:
    """What failed is tried again; an export is then of who asks now."""
    found = get_object_or_404(PersonRequest, pk=request_id)
    person_request_again(request_id=request_id, user=request.user)
    return HttpResponseRedirect(reverse("person_data", args=[found.contact_id]))


@never_cache
@administrators
def person_download(request: SignedIn, request_id: uuid.UUID) -> FileResponse:
    """The zip, to whoever asked for it: it holds what they may see, and nobody else gets it."""
    made = PersonRequest.objects.filter(
        pk=request_id, kind=PersonRequest.Kind.EXPORT, state="done", asked_by=request.user
    ).first()
    if made is None or not blobs.exists(made.digest):
        raise Http404
    response = FileResponse(
        blobs.open_blob(made.digest),
        as_attachment=True,
        filename="person.zip",
        content_type="application/zip",
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
