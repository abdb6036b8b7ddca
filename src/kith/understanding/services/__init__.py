"""What is written here: readings, corrections, checks, names."""

from kith.understanding.services.annotate import annotations_forget, messages_annotate, messages_relabel
from kith.understanding.services.checks import check_record
from kith.understanding.services.correct import correction_undo, message_correct
from kith.understanding.services.names import entity_delete, entity_save

__all__ = [
    "annotations_forget",
    "check_record",
    "correction_undo",
    "entity_delete",
    "entity_save",
    "message_correct",
    "messages_annotate",
    "messages_relabel",
]
