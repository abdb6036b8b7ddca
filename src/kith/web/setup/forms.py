"""The first start's form."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from kith.web.settings.base_forms import Form, languages, password_field


class SetupForm(Form):
    """Company, first user, public address; `token` where Kith listens beyond this machine."""

    company = forms.CharField(
        label=_("Name of the company"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    name = forms.CharField(
        label=_("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = forms.EmailField(
        label=_("Your e-mail address"),
        help_text=_("You sign in with it."),
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    password = password_field()
    language = forms.ChoiceField(label=_("Language"), required=False, choices=languages)
    public_url = forms.CharField(
        label=_("Public address"),
        required=False,
        max_length=200,
        help_text=_(
            "Where browsers and customers reach Kith, such as https://kith.example.org. It can be set later."
        ),
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    token = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100)
