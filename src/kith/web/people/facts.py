"""What we know of a person, changed by hand: details, fields, tags, roles; "that's wrong", "forget this"."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from kith.contacts.models import Affiliation, Contact, CustomField, Fact, Organization, Tag
from kith.contacts.services import (
    affiliation_end,
    affiliation_record,
    affiliation_remove,
    contact_own,
    contact_set,
    contacts_tag,
    contacts_untag,
    fact_correct,
    fact_forget,
    fact_record,
    fact_restore,
    fact_retract,
    organization_get_or_create,
)
from kith.core.fields import as_uuid
from kith.teams.models import User
from kith.teams.selectors import colleagues
from kith.web.access import SignedIn, writers
from kith.web.people.acts import chosen_scope, contact_or_404, dialog, done, refused, scope_choices
from kith.web.people.fields import FieldError, OwnField, code_choices, field_read
from kith.workspace.people_facts import LABELS, words_of

DETAILS = tuple(LABELS)
# How a colleague can know; what came by itself says so by itself.
SOURCES = (
    (Fact.Source.TOLD_US, gettext_lazy("They told us")),
    (Fact.Source.COLLEAGUE, gettext_lazy("I know it")),
    (Fact.Source.PROFILE, gettext_lazy("From their public profile")),
)


def _source(request: SignedIn) -> str:
    wanted = request.POST.get("source", "")
    return wanted if wanted in {s.value for s, _label in SOURCES} else Fact.Source.TOLD_US


@writers
def edit_dialog(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    contact = contact_or_404(contact_id)
    context = {
        "contact": contact,
        "details": [
            (a, LABELS[a], getattr(contact, a), code_choices(a, getattr(contact, a))) for a in DETAILS
        ],
        "fields": [
            (OwnField.of(f), contact.custom.get(f.key, "")) for f in CustomField.objects.order_by("position")
        ],
        "sources": SOURCES,
        "colleagues": list(colleagues(request.viewer)),
    }
    return dialog(request, "edit", context)


@require_POST
@writers
def edit(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """What was changed becomes facts, each with who said so and when; what was not is left alone."""
    contact, source = contact_or_404(contact_id), _source(request)
    changes: dict[str, Any] = {}
    for attribute in DETAILS:
        if attribute not in request.POST:
            continue
        value = " ".join(request.POST[attribute].split())[:300]
        if attribute == "country":
            value = value.upper()
            if value and (len(value) != 2 or not value.isalpha()):
                return refused(request, _("A country is given by its two letters, such as DE."))
        if value != getattr(contact, attribute):
            changes[attribute] = value
    for field in CustomField.objects.order_by("position"):
        name = f"custom.{field.key}"
        if name not in request.POST:
            continue
        try:
            read = field_read(field, request.POST[name])
        except FieldError as error:
            return refused(request, error)
        if read != contact.custom.get(field.key, ""):
            changes[name] = read
    for attribute, new in changes.items():
        contact_set(contact_id=contact.pk, attribute=attribute, value=new, source=source, user=request.user)
    if "owner" in request.POST:
        key = as_uuid(request.POST["owner"])
        owner = User.objects.filter(pk=key, is_active=True).first() if key else None
        contact_own(contact=contact, owner=owner)
    return done(request, contact.pk, _("Kept"))


@writers
def fact_dialog(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """Write down something that they told us, in one's own words."""
    contact = contact_or_404(contact_id)
    context = {"contact": contact, "sources": SOURCES, "scopes": scope_choices(request.viewer)}
    return dialog(request, "fact", context)


@require_POST
@writers
def fact_new(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    contact = contact_or_404(contact_id)
    text = " ".join(request.POST.get("text", "").split())[:1000]
    if not text:
        return refused(request, _("There is nothing to keep yet."))
    fact = fact_record(
        contact_id=contact.pk,
        attribute="note",
        value=text,
        source=_source(request),
        user=request.user,
        quote=request.POST.get("quote", "").strip()[:1000],
        scope_id=chosen_scope(request.viewer, request.POST.get("scope", "")),
    )
    return done(request, contact.pk, _("Kept"), undo=reverse("fact_wrong", args=[fact.pk]))


def fact_or_404(request: SignedIn, fact_id: uuid.UUID) -> Fact:
    found = Fact.objects.filter(pk=fact_id, contact__canonical__deleted_at=None).first()
    if found is None or not request.viewer.sees(found.scope_id):
        raise Http404
    return found


@writers
def wrong_dialog(request: SignedIn, fact_id: uuid.UUID) -> HttpResponse:
    """That's wrong: what is right, if one knows it; or forget it altogether."""
    fact = fact_or_404(request, fact_id)
    key = fact.attribute.removeprefix("custom.")
    field = CustomField.objects.filter(key=key).first() if fact.attribute.startswith("custom.") else None
    label = LABELS.get(fact.attribute) or (field.label if field else words_of(fact.attribute))
    return dialog(
        request,
        "wrong",
        {
            "fact": fact,
            "label": str(label),
            "own": OwnField.of(field) if field else None,
            "sources": SOURCES,
            "choices": code_choices(fact.attribute),
        },
    )


@require_POST
@writers
def wrong(request: SignedIn, fact_id: uuid.UUID) -> HttpResponse:
    """The fact no longer counts; with `value`, that is what is right."""
    fact = fact_or_404(request, fact_id)
    value: Any = " ".join(request.POST.get("value", "").split())[:1000]
    if fact.attribute.startswith("custom."):
        field = CustomField.objects.filter(key=fact.attribute.removeprefix("custom.")).first()
        try:
            value = field_read(field, value) if field else value
        except FieldError as error:
            return refused(request, error)
    if fact.retracted_at is None and value not in ("", None):
        fact_correct(fact=fact, value=value, source=_source(request), user=request.user)
        return done(request, contact_or_404(fact.contact_id).pk, _("Put right"))
    if fact.retracted_at is None:
        fact_retract(fact=fact, user=request.user)
    return done(
        request,
        contact_or_404(fact.contact_id).pk,
        _("It no longer counts."),
        undo=reverse("fact_right", args=[fact.pk]),
    )


@require_POST
@writers
def right(request: SignedIn, fact_id: uuid.UUID) -> HttpResponse:
    """It was right after all."""
    fact = fact_or_404(request, fact_id)
    fact_restore(fact=fact)
    return done(request, contact_or_404(fact.contact_id).pk, _("It counts again."))


@require_POST
@writers
def forget(request: SignedIn, fact_id: uuid.UUID) -> HttpResponse:
    """The fact goes for good, and nothing says any more what it was."""
    fact = fact_or_404(request, fact_id)
    contact_id = contact_or_404(fact.contact_id).pk
    fact_forget(fact=fact)
    return done(request, contact_id, _("Forgotten"))


# --- tags -----------------------------------------------------------------------------------------------------------


@require_POST
@writers
def tag_add(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """POST `name`; a tag that does not exist yet is made."""
    contact = contact_or_404(contact_id)
    name = " ".join(request.POST.get("name", "").split())[:60]
    if not name:
        return refused(request, _("A name is needed."))
    tag = Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name)
    new = contacts_tag(contact_ids=[contact.pk], tag=tag)
    undo = reverse("person_untag", args=[contact.pk, tag.pk]) if new else ""
    return done(request, contact.pk, _("Tagged “%(tag)s”") % {"tag": tag.name}, undo=undo)


@require_POST
@writers
def tag_remove(request: SignedIn, contact_id: uuid.UUID, tag_id: uuid.UUID) -> HttpResponse:
    contact, tag = contact_or_404(contact_id), Tag.objects.filter(pk=tag_id).first()
    if tag is None:
        raise Http404
    contacts_untag(contact_ids=[contact.pk], tag=tag, user=request.user)
    return done(
        request,
        contact.pk,
        _("“%(tag)s” taken off") % {"tag": tag.name},
        undo=reverse("person_tag", args=[contact.pk, tag.pk]),
    )


@require_POST
@writers
def tag_back(request: SignedIn, contact_id: uuid.UUID, tag_id: uuid.UUID) -> HttpResponse:
    """Undo of `tag_remove`."""
    contact, tag = contact_or_404(contact_id), Tag.objects.filter(pk=tag_id).first()
    if tag is None:
        raise Http404
    contacts_tag(contact_ids=[contact.pk], tag=tag)
    return done(request, contact.pk, _("Tagged “%(tag)s”") % {"tag": tag.name})


# --- roles at companies -----------------------------------------------------------------------------------------


def _day(request: SignedIn, name: str) -> date | None:
    try:
        return parse_date(request.POST.get(name, "").strip())
    except ValueError:
        return None


@writers
def affiliation_dialog(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    contact: Contact = contact_or_404(contact_id)
    names = list(Organization.objects.order_by("sort_key").values_list("name", flat=True)[:500])
    return dialog(request, "affiliation", {"contact": contact, "names": names})


@require_POST
@writers
def affiliation_new(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """POST `organization` (a name; made if it is new), `role`, `from`, `to`."""
    contact = contact_or_404(contact_id)
    name = " ".join(request.POST.get("organization", "").split())[:300]
    if not name:
        return refused(request, _("Name the company."))
    begins, ends = _day(request, "from"), _day(request, "to")
    if begins and ends and ends < begins:
        return refused(request, _("It can't end before it begins."))
    row = affiliation_record(
        contact_id=contact.pk,
        organization=organization_get_or_create(name=name),
        role=" ".join(request.POST.get("role", "").split()),
        begins_on=begins,
    )
    if ends:
        affiliation_end(affiliation=row, on=ends)
    return done(request, contact.pk, _("Kept"))


@require_POST
@writers
def affiliation_change(request: SignedIn, affiliation_id: uuid.UUID) -> HttpResponse:
    """POST `deed`: "end" (on `to`, today without it) or "remove" (it never was so); `at` company leads back there."""
    row = Affiliation.objects.filter(pk=affiliation_id, contact__canonical__deleted_at=None).first()
    if row is None:
        raise Http404
    contact_id = contact_or_404(row.contact_id).pk
    to = reverse("organization", args=[row.organization_id]) if request.POST.get("at") == "company" else ""
    if request.POST.get("deed") == "remove":
        affiliation_remove(affiliation=row)
        return done(request, contact_id, _("Taken out"), to=to)
    affiliation_end(affiliation=row, on=_day(request, "to") or timezone.localdate())
    return done(request, contact_id, _("Ended"), to=to)
