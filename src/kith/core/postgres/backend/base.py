"""The wrapper that Django looks for in the module that `ENGINE` names."""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A server that ends a connection says so, and closes its side: there is something to read. Only then it is asked."""

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN | select.POLLERR | select.POLLHUP)
        return super().is_usable() if poll.poll(0) else True
