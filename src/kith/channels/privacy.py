"""What this room keeps of people."""

from __future__ import annotations

from kith.channels.models import ChatVisitor, Delivery, RawItem
from kith.core.registry import keeps, names_blobs


def register() -> None:
    names_blobs(
        RawItem, "digest", where="body IS NULL AND size > 0"
    )  # small ones stand in their row, erased ones are 0
    keeps(
        ChatVisitor,
        "identity__contact",
        erase="delete",
        export=("typed_name", "typed_email", "last_seen_at", "page_url"),
    )
    keeps(
        Delivery,
        "message__sender__contact",
        erase="blank",
        fields=("outgoing", "error"),
        why="How a message of ours went out; the message itself is exported.",
    )
