"""For the few pages in Django's own template language: the bundle's files, and what sign-in offers."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.utils.safestring import SafeString

from kith.core import company
from kith.web.encryption import can_be_overheard
from kith.web.templating import asset, icon

register = template.Library()


@register.simple_tag
def bundled(name: str) -> str:
    """`{% bundled "src/app.css" %}`: the address of one file of the bundle. KeyError for an unknown one."""
    return asset(name)


@register.simple_tag
def drawn(name: str) -> str:
    """One of our icons, hidden from screen readers."""
    return icon(name)


@register.simple_tag
def single_sign_on() -> str:
    """The name on the button of single sign-on; "" when none is configured."""
    return str(settings.KITH.oidc_name) if settings.KITH.oidc_url else ""


@register.simple_tag
def house() -> dict[str, Any]:
    """Whose Kith this is: `name`, "" before the first start, and in the `demo` what to sign in with."""
    shown: dict[str, Any] = {"name": company.name(), "demo": None}
    if company.value("demo") is True:
        shown["demo"] = {"address": "mara@velohof.example", "password": "velo hof demo"}
    return shown


@register.simple_tag(takes_context=True)
def overheard(context: dict[str, Any]) -> bool:
    """Whether what is typed into this page can be read on its way."""
    return can_be_overheard(context["request"])


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """A field of allauth's forms in our look. Its label stands above it, so that nothing need stand in it."""
    kind = getattr(field.field.widget, "input_type", "")
    looks = {"checkbox": "checkbox checkbox-sm", "radio": "radio radio-sm"}.get(kind, "input w-full")
    field.field.widget.attrs.pop("placeholder", None)
    return field.as_widget(attrs={"class": looks})
