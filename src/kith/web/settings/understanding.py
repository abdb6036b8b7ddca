"""How well messages are read, what is said of what, and the names that are looked for."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from kith.conversations.models import Message, MessageCopy
from kith.core.fields import as_number, as_uuid
from kith.teams.errors import NotAllowed
from kith.understanding import preferences
from kith.understanding.errors import UnderstandingError
from kith.understanding.gazetteer import spellings_of
from kith.understanding.models import Entity
from kith.understanding.selectors import (
    drawn,
    figures,
    messages_behind,
    readings_of,
    said_behind,
    said_of,
)
from kith.understanding.selectors.figures import WHAT
from kith.understanding.services import check_record, entity_delete, entity_save
from kith.understanding.services.annotate import careful_is_there
from kith.understanding.sweeps import running
from kith.web.access import SignedIn, managers, writers
from kith.web.settings.base_forms import Form
from kith.web.settings.page import blame, done, show
from kith.web.understanding.message import choices, said_in
from kith.web.understanding.words import kind_words, value_words

SECTION = "settings:understanding"
TEN = 10
DRAWN = "understanding-drawn"
SHOWN = 4000


def what_words() -> dict[str, str]:
    """What the messages behind a figure are."""
    return {
        "all": _("All messages"),
        "unread": _("Not read yet"),
        "read": _("Read"),
        "empty": _("Without words of their own"),
        "failed": _("Could not be read"),
        "unsure": _("Not sure of the mood"),
        "cut": _("Read in part, for they are long"),
        "corrected": _("Corrected by a person"),
        "best": _("Read carefully"),
        "checked": _("Checked by a person"),
        "skipped": _("Drawn, and nobody could say"),
        "mood_wrong": _("Drawn, and the mood was wrong"),
        "wish_wrong": _("Drawn, and what they want was wrong"),
    }


class TierForm(Form):
    tier = forms.ChoiceField(
        label=gettext_lazy("Which reader reads what"), choices=preferences.CHOICES, widget=forms.RadioSelect
    )


@writers
def figures_page(request: SignedIn) -> HttpResponse:
    """Accuracy by language, coverage and doubt, each with its n and the messages behind it."""
    return show(
        request,
        "settings/understanding.html",
        section=SECTION,
        figures=figures(request.viewer),
        walks=running(),
        form=TierForm(initial={"tier": preferences.chosen()}),
        off=preferences.chosen() == preferences.OFF,
        careful=careful_is_there(),
    )


@require_POST
@managers
def choose_tier(request: SignedIn) -> HttpResponse:
    """POST `tier`: which messages are read by which reader."""
    form = TierForm(request.POST)
    if form.is_valid():
        preferences.choose(form.cleaned_data["tier"])
        done(request, _("Saved. What is there is read again little by little."))
    return redirect(SECTION)


@writers
def behind(request: SignedIn) -> HttpResponse:
    """The messages behind a figure: `?what=unsure&language=de`, or of what is said of what `?aspect=`, `?name=`."""
    given = {key: request.GET.get(key, "")[:80].replace("\x00", "") for key in KEYS}
    cursor = request.GET.get("cursor")
    of = given["aspect"] or given["name"]
    if of:
        found = said_behind(
            request.viewer,
            **{key: given[key] for key in ("aspect", "name", "mood", "month")},
            cursor=cursor,
        )
        entity = Entity.objects.filter(pk=as_uuid(given["name"]) or uuid.UUID(int=0)).first()
        title = given["aspect"] or (entity.name if entity else _("A name"))
        if given["mood"]:
            title = f"{title}: {value_words(given['mood'])}"
    else:
        what = given["what"] if given["what"] in WHAT else "all"
        found = messages_behind(request.viewer, what=what, language=given["language"], cursor=cursor)
        title = what_words()[what]
    kept = {key: value for key, value in given.items() if value}
    return show(
        request,
        "settings/understanding_messages.html",
        section=SECTION,
        title=title,
        month=given["month"],
        language_code=given["language"],
        found=found,
        kept=kept,
        back=reverse("settings:understanding_said") if of else reverse(SECTION),
    )


KEYS = ("what", "language", "aspect", "name", "mood", "month")


@writers
def check(request: SignedIn) -> HttpResponse:
    """GET: a message drawn at random, with what was read; POST `message`, `outcome` and what would be right: the next one.

    The one drawn stays until it is answered, whoever loads the page again: choosing would bend the figure.
    """
    number = as_number((request.POST or request.GET).get("number", ""), 0, digits=3)
    error = ""
    if request.method == "POST":
        try:
            _keep(request)
        except (UnderstandingError, NotAllowed) as problem:
            error = str(problem)
        else:
            request.session.pop(DRAWN, None)
            return redirect(reverse("settings:understanding_check") + f"?number={number + 1}")
    return _asked(request, number, error)


def _keep(request: SignedIn) -> None:
    values = said_in(request.POST) if request.POST.get("outcome") == "wrong" else None
    key = as_uuid(request.POST.get("message", "")) or uuid.UUID(int=0)
    check_record(request.viewer, key, outcome=request.POST.get("outcome", ""), values=values)


def _asked(request: SignedIn, number: int, error: str) -> HttpResponse:
    kept = as_uuid(request.session.get(DRAWN, ""))
    reading = _open(request, kept) if kept else None
    if reading is None and number < TEN:
        kept = drawn(request.viewer)
        reading = _open(request, kept) if kept else None
        if kept is not None:
            request.session[DRAWN] = str(kept)
    context: dict[str, Any] = {"reading": None, "error": error, "number": number}
    if reading is not None and kept is not None and number < TEN:
        message = Message.objects.select_related("sender").get(pk=kept)
        copy = MessageCopy.objects.filter(message=message, scope_id__in=request.viewer.scope_ids)
        context |= {
            "reading": reading,
            "message": message,
            "text": message.text[:SHOWN],
            "longer": len(message.text) > SHOWN,
            "conversation_id": copy.values_list("thread__conversation_id", flat=True).first(),
            "choices": choices(reading),
        }
    return show(
        request,
        "settings/understanding_check.html",
        section=SECTION,
        status=422 if error else 200,
        of=TEN,
        **context,
    )


def _open(request: SignedIn, message_id: uuid.UUID) -> Any:
    """The reading of a drawn message, unless somebody has checked it meanwhile."""
    found = readings_of(request.viewer, [message_id]).get(message_id)
    return None if found is None or found.row.message.checks.exists() else found


@writers
def said(request: SignedIn) -> HttpResponse:
    """What is said of what, by month and mood."""
    return show(request, "settings/understanding_said.html", section=SECTION, said=said_of(request.viewer))


class NameForm(Form):
    kind = forms.ChoiceField(label=gettext_lazy("What it is"), choices=Entity.Kind.choices)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    spellings = forms.CharField(
        label=gettext_lazy("Other spellings, one a line"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy("Capitals and accents need no spelling of their own."),
    )


@writers
def names(request: SignedIn) -> HttpResponse:
    """The names that are looked for, by what they are."""
    kinds = [
        (kind_words(kind).capitalize(), [row for row in Entity.objects.order_by("name") if row.kind == kind])
        for kind in Entity.Kind.values
    ]
    return show(request, "settings/understanding_names.html", section=SECTION, kinds=kinds)


@managers
def name(request: SignedIn, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make or change a name that is looked for."""
    row = get_object_or_404(Entity, pk=pk) if pk else None
    initial = (
        {"kind": row.kind, "name": row.name, "spellings": "\n".join(row.spellings)} if row is not None else {}
    )
    form = NameForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            entity_save(
                kind=values["kind"],
                name=values["name"],
                spellings=spellings_of(values["spellings"]),
                entity=row,
            )
        except UnderstandingError as error:
            blame(form, error)
        else:
            done(request, _("Saved. What was said before is looked through for it."))
            return redirect("settings:understanding_names")
    return show(
        request,
        "settings/understanding_name.html",
        section=SECTION,
        status=422 if request.method == "POST" else 200,
        form=form,
        row=row,
    )


@require_POST
@managers
def name_remove(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Look for a name no more."""
    entity_delete(entity=get_object_or_404(Entity, pk=pk))
    done(request, _("Deleted. It is taken out of what was read."))
    return redirect("settings:understanding_names")
