"""People: the list with its search and filters, and the page of one person."""

from __future__ import annotations

import uuid
from datetime import datetime, time
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.contacts.models import Contact, Identity
from kith.contacts.selectors import Family, contact_family, contact_ids_search, organizations_ask, tags_ask
from kith.contacts.services import contact_create, contact_for_identity
from kith.contacts.services.contacts import ContactError
from kith.conversations.selectors import LogItem, identities_seen
from kith.core.asking import answered, asked_together, lists
from kith.core.fields import as_uuid
from kith.networks.selectors import manifest_of, offered
from kith.teams.selectors import colleagues_ask
from kith.trust.services import TrustError, identity_link_ask
from kith.web import pages
from kith.web.access import SignedIn, reading, signed_in, writers
from kith.web.inbox.words import log_sentence
from kith.web.people.acts import contact_or_404, done, refused
from kith.web.people.card import contact_line, held_ask
from kith.web.people.fields import language_words
from kith.web.people.filters import LAST, query_of, view_of
from kith.web.places import country_words, zone_words
from kith.work.models import Note
from kith.work.selectors import contact_tasks_done_ask
from kith.workspace.people import ContactPage, contact_asking
from kith.workspace.people_facts import LABELS, fact_groups
from kith.workspace.people_list import people_exist, people_list
from kith.workspace.people_more import people_more
from kith.workspace.timeline import KINDS, TimelineEntry, TimelinePage, timeline

PAGE = 60
# What a filter of the timeline shows; the rest is everything.
SHOWN = {
    "": (),
    "talk": ("message",),
    "notes": ("note", "comment"),
    "work": ("task", "promise"),
    "log": ("log", "touch"),
}


def people_rows(text: str, *, limit: int = PAGE) -> list[Contact]:
    """Contacts whom a fragment means, the best first."""
    ids = contact_ids_search(text, limit=limit)
    found = Contact.objects.in_bulk(ids)
    return [found[i] for i in ids if i in found]


def shortened(text: str) -> str:
    """As long as fits into a filter; a browser would let the rest run under its arrow."""
    return Truncator(text).chars(26)


@reading
@signed_in
def people(request: SignedIn) -> HttpResponse:
    view = view_of(request.GET)
    found = people_list(request.viewer, view, cursor=request.GET.get("after"), limit=PAGE)
    query = query_of(view)
    context: dict[str, Any] = {
        "view": view,
        "rows": found.rows,
        "more": people_more(request.viewer, [row.id for row in found.rows]),
        "query": query,
        "all_query": urlencode(query),
        "cut": bool(view.search) and len(found.rows) == PAGE,
        "next": found.next_cursor,
        "first": "after" not in request.GET,
        "nobody": not found.rows and view.whole and not people_exist(),
    }
    if pages.wants_fragment(request):
        return pages.part(request, "people/rows.html", context)
    tags, firms, owners = answered([tags_ask(), organizations_ask(300), colleagues_ask()])
    last = {
        0: _("Any time"),
        7: _("In the last 7 days"),
        30: _("In the last 30 days"),
        90: _("In the last 90 days"),
        365: _("In the last year"),
        -90: _("Not for 90 days"),
        -365: _("Not for a year"),
    }
    context |= {
        "tags": tags,
        "tag_choices": [("", _("Any tag")), *((t.name, shortened(t.name)) for t in tags)],
        "organizations": firms,
        "organization_choices": [("", _("Any company")), *((str(o.id), shortened(o.name)) for o in firms)],
        "networks": [(m.name, m.title) for m in offered()],
        "owner_choices": [
            ("", _("Any colleague")),
            ("none", _("Nobody in particular")),
            *((str(u.id), shortened(u.name)) for u in owners),
        ],
        "last": [(value, last[value]) for value in LAST],
        "sorts": [("name", _("By name")), ("recent", _("Talked to last")), ("new", _("Newest"))],
    }
    return pages.page(request, "people/list.html", context, section="people")


def _timeline(request: SignedIn, family: Family, kind: str, network: str) -> TimelinePage:
    get = request.GET
    at = None
    try:
        day = parse_date(get.get("on", ""))
    except ValueError:
        day = None
    if day is not None:
        at = timezone.make_aware(datetime.combine(day, time.max))
    kinds = SHOWN.get(kind, ()) if kind != "touch" else ("touch",)
    return timeline(
        request.viewer,
        contact_id=family.contact_id,
        family=family,
        kinds=[k for k in kinds if k in KINDS],
        networks=[network] if network else (),
        before=get.get("before"),
        after=get.get("after"),
        at=at,
        limit=40,
    )


def _log_words(item: TimelineEntry) -> str:
    return log_sentence(
        LogItem(item.id, item.at, item.state, None, item.actor, item.details, can_undo=False, undone_at=None)
    )


def _filters(page: ContactPage, kind: str, network: str, day: str) -> list[dict[str, Any]]:
    names = {
        "": _("Everything"),
        "talk": _("Messages"),
        "notes": _("Notes and visits"),
        "work": _("Tasks and promises"),
        "log": _("What was done"),
    }

    def item(text: str, icon_of: str, **values: str) -> dict[str, Any]:
        wanted = {k: v for k, v in values.items() if v} | ({"on": day} if day else {})
        return {
            "text": text,
            "network": icon_of,
            "href": f"?{urlencode(wanted)}",
            "current": values == {"kind": kind, "channel": network},
        }

    found = [item(text, "", kind=value, channel="") for value, text in names.items()]
    networks = dict.fromkeys((i.network, i.network_title) for i in page.identities)
    return found + [item(title, name, kind="", channel=name) for name, title in networks]


def _basics_line(contact: Contact) -> str:
    """Name, place and language in one line; how we know each stands below it."""
    place = ", ".join(part for part in (contact.city, country_words(contact.country)) if part)
    parts = (
        contact.name,
        place,
        language_words(contact.language),
        zone_words(contact.time_zone),
    )
    return " · ".join(part for part in parts if part)


@reading
@signed_in
def person(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """One person; an id that was merged leads to whom it was merged into."""
    family = contact_family(contact_id)
    if family is None:
        raise Http404
    if family.contact_id != contact_id:
        return HttpResponseRedirect(reverse("person", args=[family.contact_id]))
    kind, network = request.GET.get("kind", ""), request.GET.get("channel", "").replace("\x00", "")
    kind = kind if kind in SHOWN else ""
    entries = _timeline(request, family, kind, network)
    context: dict[str, Any] = {
        "contact_id": contact_id,
        "timeline": entries,
        "kind": kind,
        "channel": network,
        "say": as_uuid(request.GET.get("say", "")),
        "log_of": _log_words,
        "on": request.GET.get("on", ""),
    }
    if pages.wants_fragment(request) and ("before" in request.GET or "after" in request.GET):
        return pages.part(request, "people/timeline_items.html", context)
    page: ContactPage
    page, (held, tasks_done) = asked_together(
        contact_asking(request.viewer, family),
        lists(
            held_ask(request.viewer, list(family.aliases)),
            contact_tasks_done_ask(request.viewer, family.aliases),
        ),
    )
    groups = fact_groups(page.fact_rows, page.fields)
    context |= {
        "page": page,
        "line": contact_line(page.contact, page.affiliations),
        "held": held,
        "facts": [g for g in groups if g.attribute not in LABELS],
        "basics": (basics := [g for g in groups if g.attribute in LABELS]),
        "basics_line": _basics_line(page.contact),
        "basics_disputed": any(g.others or g.wrong or not g.shown for g in basics),
        "done": tasks_done,
        "promises": page.settled[:8],
        "filters": _filters(page, kind, network, context["on"]),
        "writable": [
            i
            for i in page.identities
            if i.kind == "person" and (m := manifest_of(i.network)) and "sends" in m.capabilities
        ],
        "elsewhere": [k for k in Note.Kind if k not in (Note.Kind.NOTE, Note.Kind.LETTER)],
        "today": timezone.now(),
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
    """POST `name`, and an `email` if one likes: one that somebody has already is refused, and leads to them."""
    from kith.contacts.models import IdentityLink
    from kith.contacts.services import identities_observe
    from kith.contacts.types import ObservedIdentity
    from kith.workspace.people_find import address_of

    name = " ".join(request.POST.get("name", "").split())[:300]
    typed = request.POST.get("email", "").strip()
    address = address_of(typed)
    if not name:
        return refused(request, _("A name is needed."))
    if typed and not address:
        return refused(request, _("This is no mail address."))
    identity: Identity | None = None
    if address:
        network = next(m.name for m in offered() if m.medium == "mail")
        observed = ObservedIdentity(network, address, handle=address)
        identity = Identity.objects.get(pk=identities_observe([observed])[observed.key].id)
        if identity.contact_id is not None:
            return refused(request, _("%(address)s is somebody's already.") % {"address": address})
    try:
        if identity is not None and identity.kind != Identity.Kind.PERSON:
            raise ContactError(
                _("%(address)s is a shared address. Link the person who wrote, not the address.")
                % {"address": address}
            )
    except ContactError as error:
        return refused(request, error)
    try:
        with transaction.atomic():
            contact = contact_create(name=name, user=request.user)
            if identity is not None:
                basis = IdentityLink.Basis.BY_HAND
                identity_link_ask(identity=identity, contact=contact, basis=basis, user=request.user)
    except TrustError as error:
        return refused(request, error)
    return done(request, contact_or_404(contact.pk).pk, _("Added"))
