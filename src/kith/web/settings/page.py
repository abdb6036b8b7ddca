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
    """One entry of the settings: the name of its address, title, what one finds there, who sees it, its group and icon."""

    name: str
    title: Any
    about: Any
    level: str
    group: Any
    icon_name: str

    @property
    def href(self) -> str:
        return reverse(self.name)


def _section(name: str, title: Any, about: Any, level: str, group: Any, icon_name: str) -> Section:
    return Section(name, title, about, level=level, group=group, icon_name=icon_name)


MINE, COMPANY, WORK, HOUSE = _("You"), _("Company"), _("Answering"), _("This installation")
SECTIONS = (
    _section("account:profile", _("Profile"), _("Name, language, theme, signature, being away."),
             "signed_in", MINE, icon_name="user"),
    _section("account:notifications", _("Notifications"), _("What may interrupt you, and on which device."),
             "signed_in", MINE, icon_name="bell"),
    _section("account:security", _("Sign-in and sessions"),
             _("Password, passkeys, authenticator app, and where you are signed in."),
             "signed_in", MINE, icon_name="lock"),
    _section("account:tokens", _("API tokens"), _("Let a program of yours do what you may do."),
             "signed_in", MINE, icon_name="code"),
    _section("settings:company", _("Company"), _("Its name and the address at which customers reach it."),
             "administrators", COMPANY, icon_name="building-2"),
    _section("settings:people", _("Colleagues"), _("Who works here, in which role. Invite somebody, or say goodbye."),
             "signed_in", COMPANY, icon_name="users"),
    _section("settings:teams", _("Teams"), _("Who shares conversations with whom."),
             "signed_in", COMPANY, icon_name="users-round"),
    _section("settings:channels", _("Channels"), _("Mailboxes, networks, the chat on your site: what comes in and goes out."),
             "signed_in", COMPANY, icon_name="inbox"),
    _section("settings:gate", _("Contact policy"), _("How often people hear from you, when not, and what needs their consent."),
             "managers", COMPANY, icon_name="shield-check"),
    _section("settings:replies", _("Saved replies"), _("Answers that you give often."),
             "writers", WORK, icon_name="message-square-text"),
    _section("settings:macros", _("Macros"), _("Several steps with one click: answer, tag, assign, close."),
             "managers", WORK, icon_name="zap"),
    _section("settings:rules", _("Assignment rules"), _("Which new conversations go to whom by themselves."),
             "managers", WORK, icon_name="split"),
    _section("settings:understanding", _("What is read"), _("Labels of messages: how well they are read, and the names that we look for."),
             "writers", WORK, icon_name="eye"),
    _section("settings:tags", _("Tags"), _("Words by which conversations and people are found again."),
             "writers", WORK, icon_name="tag"),
    _section("settings:fields", _("Fields of people"), _("What you want to know of everybody: a customer number, say."),
             "managers", WORK, icon_name="list"),
    _section("settings:retention", _("Retention and legal hold"), _("How long what is kept, and what may not go."),
             "administrators", HOUSE, icon_name="shield"),
    _section("settings:topics", _("Topics"), _("What people may subscribe to, and the form for your own pages."),
             "managers", COMPANY, icon_name="newspaper"),
    _section("settings:webhooks", _("Webhooks"), _("Programs of yours that are told what happens here."),
             "administrators", HOUSE, icon_name="webhook"),
    _section("settings:mails", _("System mails"), _("Invitations and alarms, and those that could not leave."),
             "administrators", HOUSE, icon_name="mail"),
    _section("settings:audit", _("Audit log"), _("Who changed what, and when."),
             "administrators", HOUSE, icon_name="history"),
    _section("settings:backups", _("Backups"), _("The last ones, and whether one was missed."),
             "administrators", HOUSE, icon_name="archive"),
)  # fmt: skip


def _may(user: User, level: str) -> bool:
    return {
        "signed_in": True,
        "writers": user.may_write,
        "managers": user.manages,
        "administrators": user.administers,
    }[level]


def sections_of(user: User) -> list[tuple[str, list[Section]]]:
    """(title of a group, its sections that the user may open)."""
    groups: dict[str, list[Section]] = {}
    for item in SECTIONS:
        if _may(user, item.level):
            groups.setdefault(str(item.group), []).append(item)
    return list(groups.items())


def show(
    request: SignedIn, template: str, *, section: str, status: int = 200, **context: Any
) -> HttpResponse:
    """Render a settings screen with the list of those sections that the user may open."""
    frame = {
        "menu": sections_of(request.user),
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
