"""Reads about conversations. Each takes the viewer, and shows what their scopes hold (law 11)."""

from kith.conversations.selectors.attachments import attachment_get, message_visible
from kith.conversations.selectors.conversation import conversation_get, log_entries
from kith.conversations.selectors.messages import (
    conversation_messages,
    message_cursor,
    message_ids_from,
    message_items,
)
from kith.conversations.selectors.shapes import (
    ConversationView,
    FileView,
    LogItem,
    MessageItem,
    MessagesPage,
    PersonOption,
    ReplyChannel,
    TagView,
    ThreadView,
)
from kith.conversations.selectors.visible import (
    conversation_resolve,
    conversation_scopes,
    conversations_seen_by,
    identities_seen,
    threads_visible,
)

__all__ = [
    "ConversationView",
    "FileView",
    "LogItem",
    "MessageItem",
    "MessagesPage",
    "PersonOption",
    "ReplyChannel",
    "TagView",
    "ThreadView",
    "attachment_get",
    "conversation_get",
    "conversation_messages",
    "conversation_resolve",
    "conversation_scopes",
    "conversations_seen_by",
    "identities_seen",
    "log_entries",
    "message_cursor",
    "message_ids_from",
    "message_items",
    "message_visible",
    "threads_visible",
]
