"""Cursors of keyset pages: where the last row stood, in text that nobody needs to read."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import datetime


def cursor_encode(at: datetime | str | None, key: uuid.UUID | str) -> str:
    """A cursor for the row sorted at `at` (a time, a text, or None) with id `key`."""
    where = at.isoformat() if isinstance(at, datetime) else at
    return base64.urlsafe_b64encode(json.dumps([where, str(key)]).encode()).decode().rstrip("=")


def _parts(cursor: str | None) -> tuple[str, uuid.UUID] | None:
    if not cursor:
        return None
    try:
        where, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return str(where), uuid.UUID(str(key))
    except (ValueError, TypeError):
        return None


def cursor_decode(cursor: str | None) -> tuple[datetime, uuid.UUID] | None:
    """Time and id of a cursor; None for none, and for one that somebody changed (the page then starts at the top)."""
    found = _parts(cursor)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[0])
    except ValueError:
        return None
    return (at, found[1]) if at.tzinfo is not None else None


def cursor_decode_text(cursor: str | None) -> tuple[str, uuid.UUID] | None:
    """As `cursor_decode`, for rows that sort by a text."""
    found = _parts(cursor)
    return None if found is None or "\x00" in found[0] else found
