"""Saved replies, macros, assignment rules, tags and fields: lists that are made, changed and deleted alike."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from kith.contacts import library as contacts
from kith.contacts.library import LibraryError
from kith.contacts.models import CustomField, Tag
from kith.engagement import library as engagement
from kith.engagement.models import AssignmentRule, Macro, SavedReply
from kith.web.access import SignedIn, managers, writers
from kith.web.settings.base_forms import Form
from kith.web.settings.forms import FieldForm, MacroForm, ReplyForm, RuleForm, TagForm
from kith.web.settings.page import blame, done, show


@dataclass(frozen=True, slots=True)
class Shelf:
    """One such list: how its rows are found, shown in a form, saved and deleted."""

    name: str
    title: Any
    about: Any
    new: Any
    form: type[Form]
    rows: Callable[[SignedIn], QuerySet[Any]]
    initial: Callable[[Any], dict[str, Any]]
    save: Callable[[SignedIn, Any, Any], object]
    delete: Callable[[Any], None]


def _visible(model: type[Model]) -> Callable[[SignedIn], QuerySet[Any]]:
    """Rows for everyone and for the user's teams; managers see all."""

    def rows(request: SignedIn) -> QuerySet[Any]:
        found = model._default_manager.select_related("team").order_by("name", "id")
        if request.user.manages:
            return found
        return found.filter(Q(team=None) | Q(team_id__in=request.viewer.team_ids))

    return rows


def _save_reply(request: SignedIn, form: Any, row: SavedReply | None) -> object:
    values = form.cleaned_data
    if not request.user.manages and values["team"] and values["team"].pk not in request.viewer.team_ids:
        raise LibraryError(_("Choose a team of yours."), field="team")
    return engagement.saved_reply_save(**values, user=request.user, reply=row)


def _save_rule(request: SignedIn, form: Any, row: AssignmentRule | None) -> object:
    values = form.cleaned_data
    return engagement.rule_save(
        name=values["name"],
        conditions=form.conditions(),
        team=values["team"],
        assignee=values["assignee"],
        spread=values["spread"],
        priority=values["priority"],
        tag=values["tag"].name if values["tag"] else "",
        enabled=values["enabled"],
        rule=row,
    )


SHELVES = {
    "replies": Shelf(
        "replies",
        gettext_lazy("Saved replies"),
        gettext_lazy("Texts that you would otherwise type again."),
        gettext_lazy("New saved reply"),
        ReplyForm,
        _visible(SavedReply),
        lambda row: {key: getattr(row, key) for key in ReplyForm.base_fields},
        _save_reply,
        lambda row: engagement.saved_reply_delete(reply=row),
    ),
    "macros": Shelf(
        "macros",
        gettext_lazy("Macros"),
        gettext_lazy("Several steps by one key."),
        gettext_lazy("New macro"),
        MacroForm,
        _visible(Macro),
        lambda row: {"name": row.name, "team": row.team, **MacroForm.initial_of(row.steps)},
        lambda request, form, row: engagement.macro_save(
            name=form.cleaned_data["name"],
            team=form.cleaned_data["team"],
            steps=form.steps(),
            user=request.user,
            macro=row,
        ),
        lambda row: engagement.macro_delete(macro=row),
    ),
    "rules": Shelf(
        "rules",
        gettext_lazy("Assignment rules"),
        gettext_lazy("The first that fits a new conversation decides. All its conditions must hold."),
        gettext_lazy("New rule"),
        RuleForm,
        lambda request: AssignmentRule.objects.select_related("team", "assignee").order_by("position", "id"),
        lambda row: {
            **{
                key: getattr(row, key)
                for key in ("name", "team", "assignee", "spread", "priority", "enabled")
            },
            "tag": Tag.objects.filter(name=row.tag).first(),
            **RuleForm.initial_of(row.conditions),
        },
        _save_rule,
        lambda row: engagement.rule_delete(rule=row),
    ),
    "tags": Shelf(
        "tags",
        gettext_lazy("Tags"),
        gettext_lazy(
            "Words on conversations and people. A person may ask to see them, so write what you would say."
        ),
        gettext_lazy("New tag"),
        TagForm,
        lambda request: Tag.objects.order_by("name"),
        lambda row: {"name": row.name, "color": row.color},
        lambda request, form, row: contacts.tag_save(**form.cleaned_data, tag=row),
        lambda row: contacts.tag_delete(tag=row),
    ),
    "fields": Shelf(
        "fields",
        gettext_lazy("Fields of people"),
        gettext_lazy("What you want to know of people beyond what Kith knows. Each value keeps its source."),
        gettext_lazy("New field"),
        FieldForm,
        lambda request: CustomField.objects.order_by("position", "label"),
        lambda row: {"label": row.label, "kind": row.kind, "choices": "\n".join(row.choices)},
        lambda request, form, row: contacts.custom_field_save(
            label=form.cleaned_data["label"],
            kind=form.cleaned_data["kind"],
            choices=form.cleaned_data["choices"].splitlines(),
            field=row,
        ),
        lambda row: contacts.custom_field_delete(field=row),
    ),
}


def _list(request: SignedIn, shelf: Shelf) -> HttpResponse:
    return show(
        request,
        f"settings/{shelf.name}.html",
        section=f"settings:{shelf.name}",
        shelf=shelf,
        rows=shelf.rows(request),
    )


def _edit(request: SignedIn, shelf: Shelf, pk: uuid.UUID | None) -> HttpResponse:
    row = get_object_or_404(shelf.rows(request), pk=pk) if pk else None
    form: Any = shelf.form(request.POST or None, initial=shelf.initial(row) if row else {})
    if request.method == "POST" and form.is_valid():
        try:
            shelf.save(request, form, row)
        except LibraryError as error:
            blame(form, error)
        else:
            done(request, _("Saved."))
            return redirect(f"settings:{shelf.name}")
    return show(
        request,
        "settings/shelf_edit.html",
        section=f"settings:{shelf.name}",
        status=422 if request.method == "POST" else 200,
        shelf=shelf,
        form=form,
        row=row,
    )


def _delete(request: SignedIn, shelf: Shelf, pk: uuid.UUID) -> HttpResponse:
    shelf.delete(get_object_or_404(shelf.rows(request), pk=pk))
    done(request, _("Deleted."))
    return redirect(f"settings:{shelf.name}")


@writers
def replies(request: SignedIn) -> HttpResponse:
    """Saved replies for everyone and for one's own teams."""
    return _list(request, SHELVES["replies"])


@writers
def reply(request: SignedIn, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make or change one."""
    return _edit(request, SHELVES["replies"], pk)


@require_POST
@writers
def reply_remove(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Delete one."""
    return _delete(request, SHELVES["replies"], pk)


@managers
def macros(request: SignedIn) -> HttpResponse:
    """All macros."""
    return _list(request, SHELVES["macros"])


@managers
def macro(request: SignedIn, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make or change one."""
    return _edit(request, SHELVES["macros"], pk)


@require_POST
@managers
def macro_remove(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Delete one."""
    return _delete(request, SHELVES["macros"], pk)


@managers
def rules(request: SignedIn) -> HttpResponse:
    """All assignment rules, in their order."""
    return _list(request, SHELVES["rules"])


@managers
def rule(request: SignedIn, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make or change one."""
    return _edit(request, SHELVES["rules"], pk)


@require_POST
@managers
def rule_remove(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Delete one."""
    return _delete(request, SHELVES["rules"], pk)


@require_POST
@managers
def rule_move(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Earlier or later, by the value of the button `by`."""
    engagement.rule_move(
        rule=get_object_or_404(AssignmentRule, pk=pk), by=-1 if request.POST.get("by") == "earlier" else 1
    )
    return redirect("settings:rules")


@writers
def tags(request: SignedIn) -> HttpResponse:
    """All tags."""
    return _list(request, SHELVES["tags"])


@writers
def tag(request: SignedIn, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make or change one."""
    return _edit(request, SHELVES["tags"], pk)


@require_POST
@managers
def tag_remove(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Delete one, off everything that carries it."""
    return _delete(request, SHELVES["tags"], pk)


@managers
def fields(request: SignedIn) -> HttpResponse:
    """All custom fields."""
    return _list(request, SHELVES["fields"])


@managers
def field(request: SignedIn, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make or change one."""
    return _edit(request, SHELVES["fields"], pk)


@require_POST
@managers
def field_remove(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Delete one; its values stay as facts."""
    return _delete(request, SHELVES["fields"], pk)
