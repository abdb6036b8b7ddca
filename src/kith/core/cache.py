"""Django's cache in the database, where what is counted stays counted.

Limits (wrong passwords, messages of visitors) are counted here. Django's own forgets a third of all keys once there are
300, so that a flood of one kind would wipe out the counts of another; and its `incr` puts the end of a count off to five
minutes from now, and loses one of two that come at once. Here keys go when their time is over, and not before.
"""

from __future__ import annotations

import base64
import pickle
from datetime import datetime
from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router, transaction

SWEPT = 1000  # keys at once


class Cache(DatabaseCache):
    """A table as Django makes it (`cache_key`, `value`, `expires`); PostgreSQL."""

    _table: str

    def _cull(self, db: str, cursor: Any, now: datetime, num: int) -> None:
        """Called when there are many keys: those whose time is over go, and no others."""
        table = self._quoted(db)
        cursor.execute(
            f"DELETE FROM {table} WHERE cache_key IN (SELECT cache_key FROM {table} WHERE expires < %s "  # noqa: S608
            "LIMIT %s FOR UPDATE SKIP LOCKED)",  # who is at work on one holds nobody up
            [now, SWEPT],
        )

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add to a number, whose end stays what it was; ValueError when there is none, or its time is over."""
        made = self.make_and_validate_key(key, version=version)
        db = router.db_for_write(self.cache_model_class)
        table = self._quoted(db)
        with transaction.atomic(using=db), connections[db].cursor() as cursor:
            cursor.execute(
                f"SELECT value FROM {table} WHERE cache_key = %s AND expires >= now() FOR UPDATE",  # noqa: S608
                [made],
            )
            found = cursor.fetchone()
            if found is None:
                raise ValueError(f"Key {key!r} not found")
            value: int = pickle.loads(base64.b64decode(found[0])) + delta  # noqa: S301  (our own, as in Django's)
            packed = base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode()
            cursor.execute(f"UPDATE {table} SET value = %s WHERE cache_key = %s", [packed, made])  # noqa: S608
        return value

    def _quoted(self, db: str) -> str:
        return str(connections[db].ops.quote_name(self._table))
