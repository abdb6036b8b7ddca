"""What can be wrong with what a person asks of this room, in words."""

from __future__ import annotations


class UnderstandingError(ValueError):
    """In words for the person; `field` is the input to blame."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
