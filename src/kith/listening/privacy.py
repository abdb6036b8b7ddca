"""What this room keeps of people: that a post of theirs was found. It goes with the post."""

from __future__ import annotations

from kith.core.registry import keeps
from kith.listening.models import Mention


def register() -> None:
    keeps(
        Mention,
        "post__author__contact",
        erase="delete",
        export=("monitor", "created_at", "state"),
    )
