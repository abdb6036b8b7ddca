"""Django's sessions in the database, read by a prepared statement: every request begins with it."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone

from kith.core import sql

_READ = "SELECT session_data FROM django_session WHERE session_key = %(key)s AND expire_date > %(now)s"


class SessionStore(db.SessionStore):
    def load(self) -> dict[str, Any]:
        found = sql.prepared(_READ, {"key": self.session_key, "now": timezone.now()})
        if not found:
            self._session_key = None
            return {}
        data: dict[str, Any] = self.decode(found[0][0])
        return data
