"""What can go wrong with the embedded server, as a sentence for the one who runs it."""

from __future__ import annotations


class ClusterError(Exception):
    """The embedded PostgreSQL can't be made, started or stopped; the message says why and what to do."""
