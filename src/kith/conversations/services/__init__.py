"""Writes: recording messages, filing them into conversations, and what colleagues do with those."""

from kith.conversations.services.labels import messages_label
from kith.conversations.services.record import messages_record
from kith.conversations.services.refresh import (
    conversations_refresh,
    messages_refresh,
    search_documents_write,
)

__all__ = [
    "conversations_refresh",
    "messages_label",
    "messages_record",
    "messages_refresh",
    "search_documents_write",
]
