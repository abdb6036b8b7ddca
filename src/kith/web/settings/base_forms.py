"""Forms in our look: classes on widgets, errors and help tied to their field."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from kith.web.places import zone_choices

CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, "checkbox checkbox-sm"),
    (forms.CheckboxInput, "checkbox checkbox-sm"),
    (forms.RadioSelect, "radio radio-sm"),
    (forms.Select, "select w-full"),
    (forms.Textarea, "textarea w-full"),
    (forms.widgets.Input, "input w-full"),
)


class Form(forms.Form):
    """A form whose widgets carry our classes and point to their help and errors."""

    required_css_class = "required"

    def __init__(self, *args: Any, **rest: Any) -> None:
        rest.setdefault("label_suffix", "")
        super().__init__(*args, **rest)
        for name in self.fields:
            self.style(name)

    def style(self, name: str) -> None:
        """Give one field (a new one, say) its classes."""
        widget = self.fields[name].widget
        for kind, names in CLASSES:
            if isinstance(widget, kind):
                widget.attrs.setdefault("class", names)
                break
        if isinstance(widget, forms.Textarea):
            widget.attrs["rows"] = widget.attrs.get("rows", 4) if widget.attrs.get("rows") != "10" else 4

    def changed(self) -> dict[str, Any]:
        """The values of the fields that were sent; never anything that the form does not declare."""
        return {name: self.cleaned_data[name] for name in self.fields if name in self.cleaned_data}


class ZoneField(forms.ChoiceField):
    """A time zone by region and city; any that there is may be sent, whatever name of it the list shows."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(choices=lambda: [("", _("As the company")), *zone_choices()], **rest)

    def valid_value(self, value: Any) -> bool:
        return value in zoneinfo.available_timezones()

    def offer(self, chosen: str) -> None:
        """Show `chosen` as the choice, by the name that it is kept under."""
        self.choices = [("", _("As the company")), *zone_choices(chosen)]


def languages(empty: Any = None) -> list[tuple[str, Any]]:
    return [("", empty or _("As the browser")), *settings.LANGUAGES]


def password_field(**rest: Any) -> forms.CharField:
    rest.setdefault("label", _("Password"))
    rest.setdefault("help_text", _("At least 10 characters. Several words make a good one."))
    return forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        max_length=1000,
        **rest,
    )
