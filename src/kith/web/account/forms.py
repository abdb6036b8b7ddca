"""What a user changes of themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kith.teams.notifications import KINDS
from kith.teams.types import API_PERMISSIONS
from kith.web.settings.base_forms import Form, languages, password_field, time_zones


class ProfileForm(Form):
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("Customers see it in your answers."))
    language = forms.ChoiceField(label=_("Language"), required=False, choices=languages)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=time_zones)
    theme = forms.ChoiceField(
        label=_("Theme"),
        required=False,
        choices=[("", _("As the device")), ("light", _("Light")), ("dark", _("Dark"))],
    )
    signature = forms.CharField(
        label=_("Signature"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Stands under your mails, unless the mailbox has one of its own."),
    )
    away = forms.BooleanField(label=_("I am away: give new conversations to others"), required=False)


class NotificationsForm(Form):
    """Which news interrupts, where."""

    screen = forms.MultipleChoiceField(
        label=_("Shown in the browser"),
        required=False,
        choices=lambda: list(KINDS.items()),
        widget=forms.CheckboxSelectMultiple,
    )
    push = forms.MultipleChoiceField(
        label=_("Pushed to my devices"),
        required=False,
        choices=lambda: list(KINDS.items()),
        widget=forms.CheckboxSelectMultiple,
    )


PERMISSION_WORDS = {
    "people:read": _("read people"),
    "people:write": _("change people"),
    "conversations:read": _("read conversations"),
    "conversations:write": _("change conversations: assign, tag, close, note"),
    "messages:write": _("send messages"),
    "channels:read": _("see channels and how they are"),
    "channels:write": _("change channels"),
    "webhooks:write": _("have news sent to an address"),
}


def permission_words(name: str) -> Any:
    """What a permission of a token lets it do; its own name where nobody wrote that down."""
    return PERMISSION_WORDS.get(name, name)


class TokenForm(Form):
    name = forms.CharField(label=_("What is it for?"), max_length=120)
    permissions = forms.MultipleChoiceField(
        label=_("It may"),
        choices=[(name, permission_words(name)) for name in API_PERMISSIONS],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("It never sees more than you do."),
    )
    days = forms.TypedChoiceField(
        label=_("It ends"),
        coerce=int,
        choices=[
            (30, _("in 30 days")),
            (90, _("in 90 days")),
            (365, _("in a year")),
            (0, _("when I end it")),
        ],
        initial=90,
    )


class AcceptForm(Form):
    """Who was invited chooses a name and a password."""

    name = forms.CharField(
        label=_("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = password_field()
