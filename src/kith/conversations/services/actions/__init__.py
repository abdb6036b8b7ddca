"""What colleagues do with conversations. Each checks the viewer, logs what undo needs, and tells open screens."""

from kith.conversations.services.actions.batch import BatchUndone, batch_size, batch_undo
from kith.conversations.services.actions.common import ActionError, CannotUndo, Done
from kith.conversations.services.actions.fields import (
    assigned_tell,
    conversation_unblock,
    conversations_assign,
    conversations_assign_team,
    conversations_close,
    conversations_reopen,
    conversations_set_complaint,
    conversations_set_priority,
    conversations_set_tray,
    conversations_snooze,
    conversations_tag,
    sender_block,
    sender_unblock,
)
from kith.conversations.services.actions.notes import note_add
from kith.conversations.services.actions.regroup import conversation_join, conversation_split, thread_move
from kith.conversations.services.actions.undo import actions_undo, log_entry_undo

__all__ = [
    "ActionError",
    "BatchUndone",
    "CannotUndo",
    "Done",
    "actions_undo",
    "assigned_tell",
    "batch_size",
    "batch_undo",
    "conversation_join",
    "conversation_split",
    "conversation_unblock",
    "conversations_assign",
    "conversations_assign_team",
    "conversations_close",
    "conversations_reopen",
    "conversations_set_complaint",
    "conversations_set_priority",
    "conversations_set_tray",
    "conversations_snooze",
    "conversations_tag",
    "log_entry_undo",
    "note_add",
    "sender_block",
    "sender_unblock",
    "thread_move",
]
