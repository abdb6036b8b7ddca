"""The company's own fields: what may stand in one of each kind, as a form sends it and as a page shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf.locale import LANG_INFO
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from kith.contacts.models import CustomField
from kith.contacts.names import sort_key
from kith.web.places import country_choices, country_words, zone_choices, zone_words


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


def language_words(code: str) -> str:
    """A language by its name in the reader's language; a code that nobody knows as it is."""
    known = code.strip().lower().replace("_", "-")
    known = {"zh": "zh-hans", "no": "nb"}.get(known, known)
    for one in (known, known.split("-")[0]):
        if name := LANG_INFO.get(one, {}).get("name"):
            text = _(str(name))
            return text[:1].upper() + text[1:]
    return code


def language_choices(chosen: str) -> list[tuple[str, Any]]:
    """Languages to choose from, by name; what stands there already stays a choice, whatever it is."""
    names = {code: language_words(code) for code, info in LANG_INFO.items() if "name" in info}
    if chosen and chosen not in names:
        names[chosen] = language_words(chosen)
    return [("", ""), *sorted(names.items(), key=lambda item: sort_key(item[1]))]


# Details that are kept as codes: in words, and what to choose from when `chosen` stands there.
CODES: dict[str, tuple[Callable[[str], str], Callable[[str], list[tuple[str, Any]]]]] = {
    "language": (language_words, language_choices),
    "country": (country_words, country_choices),
    "time_zone": (zone_words, lambda chosen: [("", ""), *zone_choices(chosen)]),
}


def code_choices(attribute: str, chosen: str = "") -> list[tuple[str, Any]]:
    """What to choose from for a detail that is kept as a code; nothing for others."""
    return CODES[attribute][1](chosen) if attribute in CODES else []


def fact_words(attribute: str, value: Any) -> str:
    """A fact's value as a page shows it, by what it tells of."""
    words = CODES.get(attribute)
    return words[0](value) if words and isinstance(value, str) else value_words(value)


def value_words(value: Any) -> str:
    """A value as a page shows it."""
    if value is True:
        return _("Yes")
    if value is False:
        return _("No")
    return value if isinstance(value, str) else str(value)
