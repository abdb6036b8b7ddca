"""Keyset pages: a cursor holds the last row's sort values, so that any depth costs the same."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from kith.api.problems import blame

T = TypeVar("T")
LIMIT, MOST = 50, 200


def encode(*values: object) -> str:
    plain = [v.isoformat() if isinstance(v, datetime) else str(v) for v in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: Callable[[str], Any]) -> tuple[Any, ...] | None:
    """The values of a cursor that we gave, None for ""; raises Problem 422 for any other text."""
    if not cursor:
        return None
    try:
        parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(parts, list) or not all(isinstance(p, str) and "\0" not in p for p in parts):
            raise ValueError(cursor)
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, binascii.Error, UnicodeError, RecursionError) as error:
        raise blame("after", "This is not a cursor that we gave.") from error


def aware(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


def page(rows: Sequence[T], limit: int, key: Callable[[T], tuple[object, ...]]) -> tuple[list[T], str | None]:
    """Of up to limit + 1 rows: those of this page, and the cursor of the next one."""
    shown = list(rows[:limit])
    return shown, encode(*key(shown[-1])) if len(rows) > limit else None


as_uuid = uuid.UUID
