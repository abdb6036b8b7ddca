"""What can't be done in this room; the message is a sentence for the person who tried."""

from __future__ import annotations


class EngagementError(ValueError):
    """`field` names the input to blame, if one is."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
