"""What this room keeps of people: labels of their messages, which go with the messages and stand in their export."""

from __future__ import annotations

from kith.core.registry import keeps
from kith.understanding.models import Annotation, Check, Correction


def register() -> None:
    keeps(
        Annotation,
        "message__sender__contact",
        erase="delete",
        export=(
            *("message", "read_at", "language", "sentiment", "emotion", "offensive", "intents", "aspects"),
            *("urgency", "entities", "labels", "model"),
        ),
    )
    keeps(
        Correction,
        "message__sender__contact",
        erase="delete",
        export=("message", "created_at", "field", "value", "before"),
    )
    keeps(
        Check,
        "message__sender__contact",
        erase="delete",
        export=("message", "created_at", "outcome", "wrong"),
    )
