"""The company's own fields: what may stand in one of each kind, as a form sends it and as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from kith.contacts.models import CustomField


class FieldError(ValueError):
    """What can't stand in a field, in words."""


@dataclass(frozen=True, slots=True)
class OwnField:
    """A field as a form shows it."""

    key: str
    label: str
    kind: str
    choices_as_pairs: list[tuple[str, str]]

    @classmethod
    def of(cls, field: CustomField) -> OwnField:
        return cls(field.key, field.label, field.kind, [(c, c) for c in field.choices])


def field_read(field: CustomField, text: str) -> Any:
    """What a form's text means in a field; "" is nothing. Raises FieldError."""
    text = text.strip()[:2000]
    if not text:
        return ""
    if field.kind == "number":
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            number = float("nan")
        if number != number or abs(number) == float("inf"):
            raise FieldError(_("%(field)s is a number.") % {"field": field.label})
        return int(number) if number.is_integer() else number
    if field.kind == "date":
        try:
            day = parse_date(text)
        except ValueError:
            day = None
        if day is None:
            raise FieldError(_("%(field)s is a day.") % {"field": field.label})
        return day.isoformat()
    if field.kind == "choice" and text not in field.choices:
        raise FieldError(_("%(field)s is one of its choices.") % {"field": field.label})
    if field.kind == "yesno":
        if text not in ("yes", "no"):
            raise FieldError(_("%(field)s is yes or no.") % {"field": field.label})
        return text == "yes"
    if field.kind == "url" and urlsplit(text).scheme not in ("http", "https"):
        raise FieldError(_("%(field)s is an address that begins with https://.") % {"field": field.label})
    return text


def value_words(value: Any) -> str:
    """A fact's value as a page shows it."""
    if value is True:
        return _("Yes")
    if value is False:
        return _("No")
    return value if isinstance(value, str) else str(value)
