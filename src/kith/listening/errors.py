"""Why something can't be done here, in the reader's language."""

from __future__ import annotations


class ListeningError(Exception):
    """`field` names the input to blame; `position` and `length` the characters of the query, where it is to blame."""

    def __init__(self, message: str, *, field: str = "", position: int = 0, length: int = 0) -> None:
        super().__init__(message)
        self.field, self.position, self.length = field, position, length
