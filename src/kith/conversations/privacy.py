"""What this room keeps of people."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from kith.conversations import models as m
from kith.conversations.services.posts import posts_of_addresses_forget
from kith.core.registry import is_certain, keeps, names_blobs, on_erased

OURS = "Colleagues' own working state about a conversation; it says nothing of the person and goes with the conversation."


def register() -> None:
    names_blobs(m.Attachment, "digest")
    names_blobs(m.Draft, "attachments", inside="digest")
    keeps(
        m.Message,
        "sender__contact",
        erase="delete",
        export=("network", "direction", "at", "subject", "text", "visibility", "language", "url"),
    )
    keeps(
        m.Attachment,
        "message__sender__contact",
        erase="delete",
        export=("file_name", "content_type", "size", "alt_text"),
    )
    keeps(m.Reaction, "identity__contact", erase="delete", export=("message", "reaction", "created_at"))
    keeps(
        m.Participant,
        "identity__contact",
        erase="delete",
        export=("message", "role", "verified", "display_name", "at"),
    )
    keeps(
        m.Conversation,
        "identity__contact",
        erase="delete",
        export=("status", "priority", "created_at", "closed_at"),
    )
    keeps(
        m.Thread, "identity__contact", erase="delete", export=("network", "visibility", "subject", "last_at")
    )
    keeps(
        m.Post,
        "author__contact",
        erase="delete",
        export=(
            "network",
            "url",
            "author_handle",
            "author_name",
            "text",
            "language",
            "place",
            "published_at",
        ),
    )
    on_erased(_posts)
    keeps(m.ConversationTag, "conversation__identity__contact", erase="delete", export=("tag", "created_at"))
    keeps(
        m.ConversationLogEntry,
        "conversation__identity__contact",
        erase="delete",
        export=("kind", "created_at", "undone_at"),
    )
    for model, path, why in (
        (
            m.MessageCopy,
            "message__sender__contact",
            "Where we saw a message; the message itself is exported.",
        ),
        (m.SearchDocument, "message__sender__contact", "Rebuilt from messages, which are exported."),
        (
            m.ConversationScope,
            "conversation__identity__contact",
            "Rebuilt from messages, which are exported.",
        ),
        (m.ThreadKey, "thread__identity__contact", "The network's own names of threads."),
        (m.Draft, "conversation__identity__contact", OURS),
        (m.Presence, "conversation__identity__contact", OURS),
        (m.Seen, "conversation__identity__contact", OURS),
    ):
        keeps(model, path, erase="delete", why=why)


def _posts(ids: Sequence[uuid.UUID], words: Sequence[str]) -> None:
    """Public posts under an address that was theirs, also where it was not known yet that it is."""
    posts_of_addresses_forget([word for word in words if is_certain(word)])
