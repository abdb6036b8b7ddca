"""How we answer: saved replies and macros in use, rules of assignment, saved views. What writes them is `library`."""

from kith.engagement.services.assignment import assignment_rules_apply
from kith.engagement.services.macros import MacroResult, macro_run
from kith.engagement.services.replies import name_to_greet, saved_reply_text, text_resolve
from kith.engagement.services.views import (
    SavedViewKept,
    saved_view_delete,
    saved_view_move,
    saved_view_restore,
    saved_view_save,
)

__all__ = [
    "MacroResult",
    "SavedViewKept",
    "assignment_rules_apply",
    "macro_run",
    "name_to_greet",
    "saved_reply_text",
    "saved_view_delete",
    "saved_view_move",
    "saved_view_restore",
    "saved_view_save",
    "text_resolve",
]
