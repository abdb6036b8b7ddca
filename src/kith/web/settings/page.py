"""What the settings screens share: the frame with its sections, and errors put where they belong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from kith.teams.models import User
from kith.web import pages
from kith.web.access import SignedIn


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the settings' list: the name of its address, title, who sees it, and its group."""

    name: str
    title: Any
    level: str
    group: Any


MINE, COMPANY, WORK, HOUSE = _("You"), _("Company"), _("Answering"), _("This installation")
SECTIONS = (
    Section("account:profile", _("Profile"), level="signed_in", group=MINE),
    Section("account:notifications", _("Notifications"), level="signed_in", group=MINE),
    Section("account:security", _("Sign-in and sessions"), level="signed_in", group=MINE),
    Section("account:tokens", _("API tokens"), level="signed_in", group=MINE),
    Section("settings:company", _("Company"), level="administrators", group=COMPANY),
    Section("settings:people", _("People"), level="signed_in", group=COMPANY),
    Section("settings:teams", _("Teams"), level="signed_in", group=COMPANY),
    Section("settings:channels", _("Channels"), level="signed_in", group=COMPANY),
    Section("settings:replies", _("Saved replies"), level="writers", group=WORK),
    Section("settings:macros", _("Macros"), level="managers", group=WORK),
    Section("settings:rules", _("Assignment rules"), level="managers", group=WORK),
    Section("settings:tags", _("Tags"), level="writers", group=WORK),
    Section("settings:fields", _("Fields of people"), level="managers", group=WORK),
    Section("settings:webhooks", _("Webhooks"), level="administrators", group=HOUSE),
    Section("settings:mails", _("System mails"), level="administrators", group=HOUSE),
    Section("settings:audit", _("Audit log"), level="administrators", group=HOUSE),
    Section("settings:backups", _("Backups"), level="administrators", group=HOUSE),
)


def _may(user: User, level: str) -> bool:
    return {
        "signed_in": True,
        "writers": user.may_write,
        "managers": user.manages,
        "administrators": user.administers,
    }[level]


def show(
    request: SignedIn, template: str, *, section: str, status: int = 200, **context: Any
) -> HttpResponse:
    """Render a settings screen with the list of those sections that the user may open."""
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for item in SECTIONS:
        if _may(request.user, item.level):
            groups.setdefault(str(item.group), []).append((item.name, str(item.title), reverse(item.name)))
    frame = {
        "menu": list(groups.items()),
        "current": section,
        "messages": [str(message) for message in messages.get_messages(request)],
    }
    return pages.page(request, template, {**frame, **context}, section="settings", status=status)


def done(request: HttpRequest, sentence: Any) -> None:
    """A line for the next screen."""
    messages.success(request, str(sentence))


def blame(form: forms.Form, error: Exception) -> None:
    """Put an error of a service beside the field that it blames, else above the form."""
    if isinstance(error, ValidationError):
        field = "password" if "password" in form.fields else None
        form.add_error(field, list(error.messages))
        return
    field = getattr(error, "field", "") or None
    form.add_error(field if field in form.fields else None, str(error))
