"""Tags for many people: those picked, or all that the list's filters match, part by part; one undo for all."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.core.cache import cache
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from kith.base.ids import new_id
from kith.contacts.models import Tag
from kith.contacts.services import contacts_tag, contacts_untag
from kith.core.fields import as_number, as_uuid
from kith.web import pages
from kith.web.access import SignedIn, signed_in, writers
from kith.web.inbox.bulk import all_of_list, progress
from kith.web.people.acts import done
from kith.web.people.filters import view_of
from kith.workspace.people_list import people_ids, people_total

PART = 500
MOST = 10_000
UNDO_FOR = 24 * 3600  # seconds


@signed_in
def everything(request: SignedIn) -> HttpResponse:
    """A button that picks all that the list's filters match, with their number."""
    return all_of_list(request, people_total(request.viewer, view_of(request.GET), most=MOST), most=MOST)


def _change(request: SignedIn, deed: str, tag: Tag, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    if deed == "untag":
        return contacts_untag(contact_ids=ids, tag=tag, user=request.user)
    return contacts_tag(contact_ids=ids, tag=tag)


def _number(request: SignedIn, name: str) -> int:
    return max(as_number(request.POST.get(name, "")), 0)


@require_POST
@writers
def bulk(request: SignedIn) -> HttpResponse:
    """POST `pick` (several ids), or `all` with `list` (the list's own query); `deed` (tag or untag) and `tag` (a name)."""
    whole = bool(request.POST.get("all"))
    picked = [key for text in request.POST.getlist("pick")[:1000] if (key := as_uuid(text))]
    name = " ".join(request.POST.get("tag", "").replace("\x00", "").split())[:60]
    if not name or not (picked or whole):
        return pages.with_toast(HttpResponse(), _("Pick people, and name a tag."), kind="error")
    deed = "untag" if request.POST.get("deed") == "untag" else "tag"
    tag = Tag.objects.filter(name__iexact=name).first()
    if tag is None and deed == "untag":
        return pages.with_toast(HttpResponse(), _("There is no such tag."), kind="error")
    tag = tag or Tag.objects.create(name=name)
    batch = as_uuid(request.POST.get("batch", "")) or new_id()
    if not whole:
        return _finished(request, batch, deed, tag, _noted(request, batch, deed, tag, picked))
    view = view_of(QueryDict(request.POST.get("list", "")))
    cursor = as_uuid(request.POST.get("cursor", ""))
    ids = people_ids(request.viewer, view, after=cursor, limit=PART)
    changed = _noted(request, batch, deed, tag, ids) if ids else _number(request, "changed")
    so_far = _number(request, "done") + len(ids)
    if len(ids) < PART or so_far >= MOST:
        return _finished(request, batch, deed, tag, changed)
    total = _number(request, "total") or people_total(request.viewer, view, most=MOST)
    values = {
        "all": "1",
        "list": request.POST.get("list", ""),
        "deed": deed,
        "tag": tag.name,
        "batch": str(batch),
        "cursor": str(ids[-1]),
        "done": str(so_far),
        "changed": str(changed),
        "total": str(total),
    }
    return progress(request, reverse("people_bulk"), values, so_far, total, first=cursor is None)


def _key(request: SignedIn, batch: uuid.UUID) -> str:
    return f"people-bulk:{request.user.pk}:{batch}"


def _noted(request: SignedIn, batch: uuid.UUID, deed: str, tag: Tag, ids: Sequence[uuid.UUID]) -> int:
    """Do it, and keep for the undo whom it changed; how many these are by now."""
    changed = _change(request, deed, tag, ids)
    kept: dict[str, Any] = cache.get(_key(request, batch)) or {"deed": deed, "tag": tag.pk, "ids": []}
    kept["ids"] += changed
    cache.set(_key(request, batch), kept, UNDO_FOR)
    return len(kept["ids"])


def _finished(request: SignedIn, batch: uuid.UUID, deed: str, tag: Tag, changed: int) -> HttpResponse:
    said = (
        ngettext("“%(tag)s” taken off %(n)s person", "“%(tag)s” taken off %(n)s people", changed)
        if deed == "untag"
        else ngettext("%(n)s person tagged “%(tag)s”", "%(n)s people tagged “%(tag)s”", changed)
    ) % {"tag": tag.name, "n": changed}
    return done(request, None, said, undo=reverse("people_bulk_undo", args=[batch]) if changed else "")


@require_POST
@writers
def bulk_undo(request: SignedIn, batch_id: uuid.UUID) -> HttpResponse:
    """The opposite to those whom this colleague's deed changed, part by part; a second time does nothing."""
    kept: dict[str, Any] | None = cache.get(_key(request, batch_id))
    tag = Tag.objects.filter(pk=kept["tag"]).first() if kept else None
    if kept is None or tag is None:
        return done(request, None, _("Taken back"))
    at, ids = _number(request, "done"), kept["ids"]
    _change(request, "tag" if kept["deed"] == "untag" else "untag", tag, ids[at : at + PART])
    if at + PART < len(ids):
        values = {"done": str(at + PART)}
        return progress(
            request,
            reverse("people_bulk_undo", args=[batch_id]),
            values,
            at + PART,
            len(ids),
            first=at == 0,
        )
    cache.delete(_key(request, batch_id))
    return done(request, None, _("Taken back"))
