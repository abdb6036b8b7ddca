"""What understanding hears: messages that came, were written, changed or went."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from kith.core import events
from kith.understanding.services import annotations_forget, messages_annotate

READ = ("message_recorded", "message_written", "message_edited")


def register() -> None:
    """Called when Django is ready."""
    events.subscribe("understanding.annotate", READ, annotate)
    events.subscribe("understanding.forget", ["message_deleted_upstream"], forget)


def annotate(kind: str, ids: Sequence[uuid.UUID]) -> None:
    """Read what is new. Idempotent: the same words are not read twice by the same model."""
    messages_annotate(ids)


def forget(kind: str, ids: Sequence[uuid.UUID]) -> None:
    annotations_forget(ids)
