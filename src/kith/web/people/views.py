"""People: the list with its search, and the page of one person."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.base.clock import now
from kith.base.keyset import cursor_encode
from kith.contacts.models import Contact, Identity
from kith.contacts.names import initials
from kith.contacts.selectors import canonical_of, identity_family
from kith.contacts.services import contact_create, contact_for_identity
from kith.conversations.selectors import identities_seen
from kith.networks.selectors import manifest_of, offered
from kith.teams.models import User
from kith.teams.selectors import colleagues
from kith.web import pages
from kith.web.access import SignedIn, signed_in, writers
from kith.web.people.card import Card, aliases_of, contact_card, visible
from kith.web.people.timeline import KINDS, Timeline, timeline_page
from kith.work.models import Note, Promise, Task

PAGE = 60


def people_rows(text: str, after: str = "", *, limit: int = PAGE) -> list[Contact]:
    """Contacts by name; with a text, those in which all its words occur."""
    rows = Contact.objects.filter(deleted_at=None, canonical_id=_self())
    for word in text.split()[:6]:
        rows = rows.filter(search_text__icontains=word)
    key, _bar, last = after.partition("|")
    if last:
        rows = rows.filter(Q(sort_key__gt=key) | Q(sort_key=key, id__gt=last))
    return list(rows.order_by("sort_key", "id")[:limit])


def _self() -> Any:
    from django.db.models import F

    return F("id")


@signed_in
def people(request: SignedIn) -> HttpResponse:
    text, after = request.GET.get("q", "").strip(), request.GET.get("after", "")
    try:
        found = people_rows(text, after, limit=PAGE + 1)
    except ValueError as error:
        raise Http404 from error
    rows, more = found[:PAGE], len(found) > PAGE
    context = {
        "q": text,
        "rows": [
            (c, c.name or c.preferred_name or _("Somebody"), initials(c.name or c.preferred_name or "?"))
            for c in rows
        ],
        "next": f"{rows[-1].sort_key}|{rows[-1].pk}" if more else "",
        "whole": not text and not after,
    }
    if pages.wants_fragment(request):
        return pages.part(request, "people/rows.html", context)
    return pages.page(request, "people/list.html", context, section="people")


def _timeline(request: SignedIn, contact_id: uuid.UUID, kind: str) -> Timeline:
    older, newer = request.GET.get("older"), request.GET.get("newer")
    if day := parse_date(request.GET.get("on", "")) if request.GET.get("on") else None:
        from datetime import datetime, time

        from django.utils import timezone

        older = cursor_encode(timezone.make_aware(datetime.combine(day, time.max)), uuid.UUID(int=2**128 - 1))
    mail = [m.name for m in offered() if m.medium == "mail"]
    return timeline_page(
        request.viewer,
        contact_ids=aliases_of(contact_id),
        identity_ids=identity_family(contact_id=contact_id),
        mail_networks=mail,
        kind=kind,
        older=older,
        newer=newer,
    )


@signed_in
def person(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """One person; an id that was merged leads to whom it was merged into."""
    here = canonical_of(contact_id)
    if here is None:
        raise Http404
    if here != contact_id:
        return HttpResponseRedirect(reverse("person", args=[here]))
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    timeline = _timeline(request, contact_id, kind)
    context: dict[str, Any] = {"contact_id": contact_id, "timeline": timeline, "kind": kind}
    if pages.wants_fragment(request) and ("older" in request.GET or "newer" in request.GET):
        return pages.part(request, "people/timeline_items.html", context)
    ids = aliases_of(contact_id)
    card: Card = contact_card(request.viewer, contact_id)
    done = visible(Task.objects.filter(contact_id__in=ids, done_at__isnull=False), request.viewer)
    kept = visible(Promise.objects.filter(contact_id__in=ids), request.viewer)
    names = {
        "": _("Everything"),
        "mail": _("Mail"),
        "public": _("Public"),
        "chat": _("Chat"),
        "notes": _("Notes"),
    }
    context |= {
        "card": card,
        "done": list(done.select_related("done_by", "assignee").order_by("-done_at")[:8]),
        "promises": list(
            kept.filter(Q(kept_at__isnull=False) | Q(broken_at__isnull=False)).select_related("who")[:8]
        ),
        "filters": [
            {"text": text, "href": f"?kind={value}" if value else "?", "current": kind == value}
            for value, text in names.items()
        ],
        "colleagues": list(colleagues(request.viewer)),
        "writable": [h for h in card.handles if (m := manifest_of(h.network)) and "sends" in m.capabilities],
        "kinds": [(str(k), label) for k, label in Note.Kind.choices],
    }
    return pages.page(request, "people/person.html", context, section="people")


@require_POST
@writers
def person_from_identity(request: SignedIn, identity_id: uuid.UUID) -> HttpResponse:
    identity = identities_seen(request.viewer).filter(pk=identity_id, kind=Identity.Kind.PERSON).first()
    if identity is None:
        raise Http404
    contact = contact_for_identity(identity=identity, user=request.user)
    return HttpResponse(headers={"HX-Redirect": reverse("person", args=[contact.pk])})


@require_POST
@writers
def person_new(request: SignedIn) -> HttpResponse:
    name = request.POST.get("name", "").strip()[:300]
    if not name:
        return pages.with_toast(HttpResponse(), _("A name is needed."), kind="error")
    contact = contact_create(name=name, user=request.user)
    return HttpResponse(headers={"HX-Redirect": reverse("person", args=[contact.pk])})


@require_POST
@writers
def note_new(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """What happened elsewhere (a visit, a call, a letter), or a remark."""
    here, text = canonical_of(contact_id), request.POST.get("text", "").strip()[:20_000]
    kind = request.POST.get("kind", "note")
    if here is None:
        raise Http404
    if text or kind != "note":
        Note.objects.create(
            contact_id=here,
            kind=kind if kind in Note.Kind.values else "note",
            text=text,
            happened_at=now(),
            author=request.user,
        )
    return HttpResponse(headers={"HX-Redirect": reverse("person", args=[here])})


@require_POST
@writers
def task_new(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    from kith.core.fields import as_uuid
    from kith.web.inbox.actions import moment_of

    here, title = canonical_of(contact_id), request.POST.get("title", "").strip()[:300]
    if here is None:
        raise Http404
    if title:
        who = User.objects.filter(
            pk=as_uuid(request.POST.get("assignee", "")) or uuid.UUID(int=0), is_active=True
        ).first()
        Task.objects.create(
            contact_id=here,
            title=title,
            assignee=who or request.user,
            due_at=moment_of(request),
            created_by=request.user,
        )
    return HttpResponse(headers={"HX-Redirect": reverse("person", args=[here])})


@require_POST
@writers
def task_done(request: SignedIn, task_id: uuid.UUID) -> HttpResponse:
    done = visible(Task.objects.filter(pk=task_id, done_at=None), request.viewer).update(
        done_at=now(), done_by=request.user
    )
    if not done:
        raise Http404
    return pages.with_toast(HttpResponse(), _("Done"), undo=reverse("task_reopen", args=[task_id]))


@require_POST
@writers
def task_reopen(request: SignedIn, task_id: uuid.UUID) -> HttpResponse:
    visible(Task.objects.filter(pk=task_id), request.viewer).update(done_at=None, done_by=None)
    return HttpResponse(headers={"HX-Refresh": "true"})
