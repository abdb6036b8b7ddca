"""What a user changes of themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kith.teams.types import API_PERMISSIONS
from kith.teams.wishes import KINDS, WAYS
from kith.web.settings.base_forms import Form, ZoneField, languages, password_field


class ProfileForm(Form):
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("Customers see it in your answers."))
    language = forms.ChoiceField(label=_("Language"), required=False, choices=languages)
    time_zone = ZoneField(label=_("Time zone"), required=False)
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

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        zone = self.fields["time_zone"]
        if isinstance(zone, ZoneField):
            zone.offer(str(self["time_zone"].value() or ""))


class NotificationsForm(Form):
    """Which news interrupts, by which way; when nothing rings; how much is said where others can read it."""

    quiet = forms.BooleanField(label=_("Nothing rings at night"), required=False)
    start = forms.TimeField(label=_("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    end = forms.TimeField(label=_("Until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    weekends = forms.BooleanField(label=_("Nothing rings on Saturdays and Sundays"), required=False)
    aloud = forms.BooleanField(
        label=_("Show names and words, not only that something happened"),
        required=False,
        help_text=_("They then stand on locked screens and in mails. Pushes are encrypted on their way."),
    )

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        for way, title in WAYS.items():
            self.fields[way] = forms.MultipleChoiceField(
                label=title,
                required=False,
                choices=list(KINDS.items()),
                widget=forms.CheckboxSelectMultiple,
            )
            self.style(way)

    def wishes(self) -> dict[str, dict[str, bool]]:
        return {kind: {way: kind in self.cleaned_data[way] for way in WAYS} for kind in KINDS}

    def cells(self) -> list[tuple[str, Any, list[tuple[str, Any, bool]]]]:
        """Rows of the table: kind, its title, and for each way (way, its title, whether it is on)."""
        return [
            (kind, title, [(way, name, kind in (self[way].value() or ())) for way, name in WAYS.items()])
            for kind, title in KINDS.items()
        ]


PERMISSION_WORDS = {
    "people:read": _("read people"),
    "people:write": _("change people"),
    "conversations:read": _("read conversations"),
    "conversations:write": _("change conversations: assign, tag, close, note"),
    "messages:write": _("send messages"),
    "channels:read": _("see channels and how they are"),
    "channels:write": _("change channels"),
    "mailings:read": _("read mailings, and who would get them"),
    "webhooks:read": _("see to which addresses news are sent (administrators)"),
    "webhooks:write": _("have news sent to an address (administrators)"),
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
