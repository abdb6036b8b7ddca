"""Model parts that every room uses: ids, encrypted text."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models

from kith.base.ids import new_id
from kith.core import secrets


class Record(models.Model):
    """A row with a UUIDv7 made in Python and the time it was made."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field


class EncryptedJSONField(_Field):
    """A dict of strings, encrypted at rest (AES-GCM, see `secrets`). Can't be searched; repr never shows it."""

    def get_internal_type(self) -> str:
        return "BinaryField"

    def db_type(self, connection: Any) -> str:
        return "bytea"

    def from_db_value(self, value: bytes | memoryview | None, *_: Any) -> dict[str, str]:
        return secrets.decrypt_dict(bytes(value)) if value else {}

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: dict[str, str] | None) -> bytes | None:
        return secrets.encrypt_dict(value) if value else None


def as_uuid(value: str | uuid.UUID) -> uuid.UUID | None:
    """A UUID, or None for text that is none (from an address bar, say)."""
    try:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        return None


def as_number(text: str, otherwise: int = 0, *, digits: int = 8) -> int:
    """The whole number that a form or an address bar says, of at most so many digits; `otherwise` for any other text."""
    sign, plain = (-1, text[1:]) if text.startswith("-") else (1, text)
    if not (plain.isascii() and plain.isdecimal()) or len(plain) > digits:
        return otherwise
    return sign * int(plain)
