"""What can't be done with a channel account; the message is a sentence for the person who tried."""

from __future__ import annotations


class NetworksError(Exception):
    """`field` names the setting, secret or input to blame, if one is."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
