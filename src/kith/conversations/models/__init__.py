"""Threads, conversations, messages; what colleagues do with them; what is found in them."""

from kith.conversations.models.conversation import (
    Conversation,
    ConversationLogEntry,
    ConversationScope,
    ConversationTag,
    Draft,
    Presence,
    Seen,
    Thread,
    ThreadKey,
)
from kith.conversations.models.message import Attachment, Message, MessageCopy, Participant, Reaction
from kith.conversations.models.post import Post
from kith.conversations.models.search import SearchDocument

__all__ = [
    "Attachment",
    "Conversation",
    "ConversationLogEntry",
    "ConversationScope",
    "ConversationTag",
    "Draft",
    "Message",
    "MessageCopy",
    "Participant",
    "Post",
    "Presence",
    "Reaction",
    "SearchDocument",
    "Seen",
    "Thread",
    "ThreadKey",
]
