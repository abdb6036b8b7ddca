"""What this room keeps of people."""

from __future__ import annotations

from kith.core.registry import keeps, names_blobs
from kith.work.models import Note, Promise, Task


def register() -> None:
    names_blobs(Note, "photo")
    keeps(Task, "contact", erase="delete", export=("title", "details", "due_at", "done_at", "created_at"))
    keeps(Note, "contact", erase="delete", export=("kind", "text", "happened_at", "photo", "created_at"))
    keeps(
        Promise,
        "contact",
        erase="delete",
        export=("what", "quote", "due_at", "condition", "kept_at", "broken_at", "created_at"),
    )
