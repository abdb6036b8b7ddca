"""Values of the whole company: its name, its public address, keys made once."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from kith.core.models import CompanyValue


def value(key: str, default: Any = None) -> Any:
    row = CompanyValue.objects.filter(key=key).values_list("value", flat=True).first()
    return default if row is None else row


def set_value(key: str, content: Any) -> None:
    CompanyValue.objects.update_or_create(key=key, defaults={"value": content})


def name() -> str:
    return str(value("name", ""))


def public_url() -> str:
    """The address at which customers reach us, without a slash at the end; "" when there is none yet."""
    return str(settings.KITH.public_url or value("public_url", ""))


def is_set_up() -> bool:
    return bool(value("name"))
