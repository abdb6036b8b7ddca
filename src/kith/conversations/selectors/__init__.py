"""Reads about conversations. Each takes the viewer, and shows what their scopes hold (law 11)."""

from kith.conversations.selectors.attachments import attachment_get, message_visible
from kith.conversations.selectors.conversation import conversation_asking, conversation_get
from kith.conversations.selectors.messages import (
    conversation_messages,
    message_cursor,
    message_ids_from,
    message_items,
    messages_asking,
    reply_addresses,
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
    "conversation_asking",
    "conversation_get",
    "conversation_messages",
    "conversation_resolve",
    "conversation_scopes",
    "conversations_seen_by",
    "identities_seen",
    "message_cursor",
    "message_ids_from",
    "message_items",
    "message_visible",
    "messages_asking",
    "reply_addresses",
    "threads_visible",
]
