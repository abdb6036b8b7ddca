"""Errors, named by what the caller does next."""

from __future__ import annotations


class ConnectorError(Exception):
    """Base; `field` names the setting to blame (a key of the manifest's settings or secrets), if one is."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class RetryLater(ConnectorError):
    """Not now. Try again in `after` seconds; nothing was done."""

    def __init__(self, message: str, *, after: float = 60.0, field: str = "") -> None:
        super().__init__(message, field=field)
        self.after = after


class Refused(ConnectorError):
    """The network will never do this, whoever asks again. Show the message."""


class ReconnectNeeded(ConnectorError):
    """Credentials no longer work; a person must connect the channel again."""


class NotSupported(ConnectorError):
    """This network can't do that."""


class BadPayload(ConnectorError):
    """What came can't be understood. The raw bytes are set aside and shown."""


class Forged(ConnectorError):
    """A signature does not hold; nothing in the request is believed."""


class OutcomeUnknown(ConnectorError):
    """The request left us and no answer came back: it may or may not have happened. Never retried blindly."""
