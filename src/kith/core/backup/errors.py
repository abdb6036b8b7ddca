"""What can go wrong with a backup, as a sentence for the one who runs Kith."""

from __future__ import annotations


class BackupError(Exception):
    """A backup can't be made, read or put back; the message says why and what to do."""
