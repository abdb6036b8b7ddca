"""What people corrected, as lines of JSON that training reads (`kith corrections`).

Only of messages that are still there, in the words that the correction was made of: what was erased, deleted or edited has
no line. A line holds the text and the fields that a person said or confirmed, and nothing of who wrote it to whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kith.understanding.models import Check, Correction
from kith.understanding.reading import words_of
from kith.understanding.services.correct import plain

CONFIRMED = ("sentiment", "emotion", "intents")


def lines() -> Iterator[dict[str, Any]]:
    """{"text", "language", and of "sentiment", "emotion", "intents", "urgent", "offensive" those that people said}, one a
    message, in no telling order: by the digest of the words."""
    found: dict[str, dict[str, Any]] = {}
    for check in Check.objects.filter(outcome="right").select_related("message__annotation"):
        row = getattr(check.message, "annotation", None)
        if (
            row is None
            or row.state != "read"
            or row.model != check.model
            or not (text := _text(check, row.digest))
        ):
            continue
        found[row.digest] = {"text": text, "language": row.language} | {
            name: plain(name, getattr(row, name)) for name in CONFIRMED
        }
    rows = Correction.objects.filter(undone_at__isnull=True).select_related("message__annotation")
    for row in rows.order_by("created_at").iterator(chunk_size=500):
        if text := _text(row, row.digest):
            kept = getattr(row.message, "annotation", None)
            line = found.setdefault(row.digest, {"text": text, "language": kept.language if kept else ""})
            line[row.field] = row.value
    for digest in sorted(found):
        yield found[digest]


def _text(row: Check | Correction, digest: str) -> str:
    message = row.message
    if message.deleted_upstream_at is not None:
        return ""
    words = words_of(
        subject=message.subject,
        text=message.text,
        quote_at=message.quote_at,
        signature_at=message.signature_at,
    )
    return words.text if words.digest == digest else ""
