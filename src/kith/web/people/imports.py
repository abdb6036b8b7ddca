"""Imports of mail and people: upload, see what would happen, let it happen, take it back."""

from __future__ import annotations

import uuid
from typing import BinaryIO, cast

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.people.acts import done
from kith.workspace.imports import ImportRefused, import_undo
from kith.workspace.imports.screen import import_of, import_start, import_upload
from kith.workspace.models import Import


@writers
def imports(request: SignedIn) -> HttpResponse:
    """One's own imports, and where to begin one."""
    return _list(request)


def _list(request: SignedIn, error: str = "", status: int = 200) -> HttpResponse:
    rows = list(Import.objects.filter(started_by=request.user).order_by("-id")[:50])
    return pages.page(
        request, "people/imports.html", {"rows": rows, "error": error}, section="people", status=status
    )


@require_POST
@writers
def upload(request: SignedIn) -> HttpResponse:
    """POST `file`."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile) or file.file is None:
        return _list(request, _("Choose a file."), 422)
    try:
        record = import_upload(name=file.name or "", file=cast(BinaryIO, file.file), user=request.user)
    except ImportRefused as error:
        return _list(request, str(error), 422)
    return HttpResponseRedirect(reverse("import_one", args=[record.pk]))


def _mine(request: SignedIn, import_id: uuid.UUID) -> Import:
    record = import_of(request.user, import_id)
    if record is None:
        raise Http404
    return record


@writers
def one(request: SignedIn, import_id: uuid.UUID) -> HttpResponse:
    """What would happen, how far it is, what came of it."""
    record = _mine(request, import_id)
    context = {
        "record": record,
        "people": record.kind in ("vcard", "csv"),
        "under_way": record.state in ("checking", "running"),
    }
    if pages.wants_fragment(request):
        return pages.part(request, "people/import_state.html", context)
    return pages.page(request, "people/import.html", context, section="people")


@require_POST
@writers
def run(request: SignedIn, import_id: uuid.UUID) -> HttpResponse:
    import_start(_mine(request, import_id))
    return HttpResponseRedirect(reverse("import_one", args=[import_id]))


@require_POST
@writers
def undo(request: SignedIn, import_id: uuid.UUID) -> HttpResponse:
    """Exactly what came goes; what colleagues have done since stays."""
    record = _mine(request, import_id)
    try:
        import_undo(record)
    except ImportRefused as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    return done(request, None, _("Taken back"), to=reverse("import_one", args=[record.pk]))
