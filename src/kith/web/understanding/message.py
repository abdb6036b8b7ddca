"""The labels of one message: how we know, and how to correct them."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.teams.errors import NotAllowed
from kith.understanding.errors import UnderstandingError
from kith.understanding.labels import EMOTIONS, INTENTS, OFFENSIVE, SENTIMENTS, URGENT
from kith.understanding.selectors import Reading, readings_of
from kith.understanding.services import correction_undo, message_correct
from kith.web import pages
from kith.web.access import SignedIn, signed_in, writers
from kith.web.inbox.actions import refreshed
from kith.web.inbox.outgoing import where_of
from kith.web.understanding.words import field_words


def choices(reading: Reading) -> dict[str, Any]:
    """What the form of a correction offers, with what counts now."""
    row = reading.row
    return {
        "sentiments": [(value, value == row.sentiment) for value in SENTIMENTS],
        "emotions": [(value, value == row.emotion) for value in EMOTIONS],
        "intents": [(value, value in row.intents) for value in INTENTS if value != "other"],
        "urgent": row.urgency >= URGENT,
        "offensive": row.offensive >= OFFENSIVE,
    }


def said_in(form: QueryDict) -> dict[str, Any]:
    """The fields that a form says; wishes left empty mean that there is none of them."""
    values: dict[str, Any] = {
        name: form[name] for name in ("sentiment", "emotion") if form.get(name, "").strip()
    }
    if "wishes" in form:
        values["intents"] = form.getlist("intents") or ["other"]
        values |= {name: bool(form.get(name)) for name in ("urgent", "offensive")}
    return values


@signed_in
def labels(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """What was read in a message, by whom and how surely; asked for when its labels are opened."""
    where_of(request, message_id)
    reading = readings_of(request.viewer, [message_id]).get(message_id)
    whole = request.GET.get("as") == "dialog"
    context = {
        "message_id": message_id,
        "whole": whole,
        "key": f"dialog-{message_id}" if whole else str(message_id),
        "reading": reading,
        "choices": choices(reading) if reading is not None and reading.row.state == "read" else None,
        "may_write": request.user.may_write,
    }
    return pages.part(request, f"understanding/{'why_dialog' if whole else 'why'}.html", context)


@require_POST
@writers
def correct(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """POST what the labels should be; it counts at once, and a toast takes it back."""
    where = where_of(request, message_id)
    try:
        done = message_correct(request.viewer, message_id, values=said_in(request.POST))
    except (UnderstandingError, NotAllowed) as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    if done.batch is None:
        return pages.with_toast(HttpResponse(), _("It says so already."))
    said = _("Corrected: %(what)s") % {"what": ", ".join(map(field_words, done.fields))}
    undo = reverse("label_undo", args=[done.batch])
    return pages.with_toast(refreshed(request, where), said, undo=undo)


@require_POST
@writers
def undo(request: SignedIn, batch_id: uuid.UUID) -> HttpResponse:
    """Take a correction back; what had stood there before counts again."""
    try:
        message_id = correction_undo(request.viewer, batch_id)
    except NotAllowed as error:
        raise Http404 from error
    except UnderstandingError as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    return pages.with_toast(refreshed(request, where_of(request, message_id)), _("Taken back"))
