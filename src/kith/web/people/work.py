"""What is to be done, what was promised, and what happened elsewhere: a visit, a call, a letter with its photo."""

from __future__ import annotations

import uuid
from datetime import datetime, time

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.contacts.selectors import identity_family
from kith.core import blobs
from kith.core.fields import as_uuid
from kith.teams.errors import NotAllowed
from kith.teams.selectors import colleagues
from kith.web import pages
from kith.web.access import SignedIn, signed_in, writers
from kith.web.inbox.actions import moment_of
from kith.web.people.acts import chosen_scope, contact_or_404, dialog, done, refused, scope_choices
from kith.web.pictures import redrawn
from kith.work import services
from kith.work.models import Note, Promise
from kith.work.selectors import note_photo
from kith.work.services import WorkError
from kith.workspace.people_scope import usual_scope

LARGEST_PHOTO = 30 * 1024 * 1024


@writers
def work_dialog(request: SignedIn, contact_id: uuid.UUID, what: str) -> HttpResponse:
    """`what`: note, task or promise."""
    if what not in ("note", "task", "promise"):
        raise Http404
    contact = contact_or_404(contact_id)
    usual = usual_scope(request.viewer, identity_family(contact_id=contact.pk))
    context = {
        "contact": contact,
        "colleagues": list(colleagues(request.viewer)),
        "scopes": scope_choices(request.viewer),
        "usual": str(usual) if usual else "",
        "kinds": [(str(k), label) for k, label in Note.Kind.choices],
    }
    return dialog(request, what, context)


def _when(request: SignedIn) -> datetime | None:
    """The day of a form, at noon; today is now."""
    try:
        day = parse_date(request.POST.get("on", "").strip())
    except ValueError:
        day = None
    if day is None or day == timezone.localdate():
        return None
    return timezone.make_aware(datetime.combine(day, time(12)))


@require_POST
@writers
def note_new(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """A remark, or what happened elsewhere; with `quick` it is kept as it is, and words may follow."""
    contact = contact_or_404(contact_id)
    photo = request.FILES.get("photo")
    content: bytes | None = None
    kind = request.POST.get("kind", Note.Kind.NOTE)
    try:
        if isinstance(photo, UploadedFile):
            if (photo.size or 0) > LARGEST_PHOTO:
                raise WorkError(_("This picture is larger than 30 MB."), field="photo")
            content = photo.read()
            content_type = _type_of(content)
        quick = "quick" in request.POST
        scope = (
            usual_scope(request.viewer, identity_family(contact_id=contact.pk))
            if quick
            else chosen_scope(request.viewer, request.POST.get("scope", ""))
        )
        note = services.note_write(
            request.viewer,
            contact_id=contact.pk,
            kind=kind,
            text=request.POST.get("text", ""),
            happened_at=_when(request),
            photo=content,
            photo_type=content_type if content else "",
            scope_id=scope,
        )
    except (WorkError, NotAllowed) as error:
        return (
            pages.with_toast(HttpResponse(), str(error), kind="error")
            if "quick" in request.POST
            else refused(request, error)
        )
    to = f"{reverse('person', args=[contact.pk])}?{'say=' + str(note.pk) if quick else ''}#t-{note.pk}"
    return done(request, contact.pk, _("Written down"), undo=reverse("note_delete", args=[note.pk]), to=to)


def _type_of(content: bytes) -> str:
    """What the bytes are, whatever they were said to be; "" for what is neither a picture nor a PDF."""
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    drawn = redrawn(content, largest=64)
    if drawn is None:
        return ""
    for start, name in (
        (b"\xff\xd8", "image/jpeg"),
        (b"\x89PNG", "image/png"),
        (b"GIF8", "image/gif"),
        (b"RIFF", "image/webp"),
    ):
        if content.startswith(start):
            return name
    return ""


@require_POST
@writers
def note_words(request: SignedIn, note_id: uuid.UUID) -> HttpResponse:
    """The words of what was written down in two taps."""
    try:
        note = services.note_update(request.viewer, note_id, text=request.POST.get("text", ""))
    except NotAllowed as error:
        raise Http404 from error
    contact = contact_or_404(note.contact_id)
    return done(request, contact.pk, _("Kept"))


@require_POST
@writers
def note_delete(request: SignedIn, note_id: uuid.UUID) -> HttpResponse:
    note = Note.objects.filter(pk=note_id).first()
    if note is None or not request.viewer.sees(note.scope_id):
        raise Http404
    try:
        services.note_delete(request.viewer, note_id)
    except NotAllowed as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    return done(request, contact_or_404(note.contact_id).pk, _("Taken out"))


@signed_in
def photo(request: SignedIn, note_id: uuid.UUID) -> HttpResponse:
    """The photo of a letter, drawn anew; a PDF is a download of no particular type."""
    found = note_photo(request.viewer, note_id)
    if found is None:
        raise Http404
    try:
        path = blobs.path_of(found[0])
        if found[1] == "application/pdf":
            response = HttpResponse(path.read_bytes(), content_type="application/octet-stream")
            response.headers["Content-Disposition"] = 'attachment; filename="letter.pdf"'
        else:
            drawn = redrawn(path)
            if drawn is None:
                raise Http404
            response = HttpResponse(drawn[0], content_type=drawn[1])
    except OSError as error:
        raise Http404 from error
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@require_POST
@writers
def task_new(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    contact = contact_or_404(contact_id)
    try:
        services.task_create(
            request.viewer,
            title=request.POST.get("title", ""),
            contact_id=contact.pk,
            details=request.POST.get("details", ""),
            assignee_id=as_uuid(request.POST.get("assignee", "")) or request.user.pk,
            due_at=moment_of(request),
            scope_id=chosen_scope(request.viewer, request.POST.get("scope", "")),
        )
    except (WorkError, NotAllowed) as error:
        return refused(request, error)
    return done(request, contact.pk, _("Task added"))


@require_POST
@writers
def task_done(request: SignedIn, task_id: uuid.UUID) -> HttpResponse:
    """Answers with a toast alone: the row goes from whichever list it stood in."""
    try:
        services.task_complete(request.viewer, task_id)
    except NotAllowed as error:
        raise Http404 from error
    return pages.with_toast(HttpResponse(), _("Done"), undo=reverse("task_reopen", args=[task_id]))


@require_POST
@writers
def task_reopen(request: SignedIn, task_id: uuid.UUID) -> HttpResponse:
    try:
        services.task_reopen(request.viewer, task_id)
    except NotAllowed as error:
        raise Http404 from error
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_POST
@writers
def promise_new(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """What we said that we would do, who does it, and by when or on which condition."""
    contact = contact_or_404(contact_id)
    try:
        services.promise_make(
            request.viewer,
            contact_id=contact.pk,
            what=request.POST.get("what", ""),
            who_id=as_uuid(request.POST.get("assignee", "")),
            due_at=moment_of(request),
            condition=request.POST.get("condition", ""),
            quote=request.POST.get("quote", ""),
            scope_id=chosen_scope(request.viewer, request.POST.get("scope", "")),
        )
    except (WorkError, NotAllowed) as error:
        return refused(request, error)
    return done(request, contact.pk, _("Promise written down"))


@require_POST
@writers
def promise_settle(request: SignedIn, promise_id: uuid.UUID) -> HttpResponse:
    """POST `deed`: keep, break or reopen."""
    deeds = {
        "keep": (services.promise_keep, _("Kept: well done")),
        "break": (services.promise_break, _("It will not be kept")),
        "reopen": (services.promise_reopen, _("Open again")),
    }
    deed = request.POST.get("deed", "reopen")
    act, said = deeds.get(deed, deeds["reopen"])
    try:
        promise: Promise = act(request.viewer, promise_id)
    except NotAllowed as error:
        raise Http404 from error
    undo = reverse("promise_settle", args=[promise.pk]) if deed in ("keep", "break") else ""
    return done(request, contact_or_404(promise.contact_id).pk, said, undo=undo)
