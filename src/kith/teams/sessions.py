"""Django's sessions in the database, read by a prepared statement, with the user who signed in: every request begins so."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.sessions.backends import db
from django.utils import timezone

from kith.core import sql
from kith.teams.sight import SIGHT

# Who signed in stands beside the session since then; a session without that is read all the same.
_WHO = "WITH who AS (SELECT user_id FROM usersessions_usersession WHERE session_key = %(key)s), mine"
_READ = """, {columns}, u.id, s.session_data
FROM django_session s LEFT JOIN teams_user u ON u.id = (SELECT user_id FROM who)
WHERE s.session_key = %(key)s AND s.expire_date > %(now)s"""


@cache
def _statement() -> str:
    sight = SIGHT.replace("WITH mine", _WHO, 1).replace("%(user)s", "(SELECT user_id FROM who)")
    return sight + _READ.format(columns=get_user_model().objects.columns())


class SessionStore(db.SessionStore):
    """`user_read`: who signed in, with what they may see; None when that is not known, and before the session was read.

    It proves nothing: whose session it is says the session, which is signed, and so does Django's own check of it.
    """

    user_read: Any = None

    def load(self) -> dict[str, Any]:
        found = sql.prepared(_statement(), {"key": self.session_key, "now": timezone.now()})
        if not found:
            self._session_key = None
            return {}
        *row, user_id, content = found[0]
        if user_id is not None:
            self.user_read = get_user_model().objects.made_of(row)
        data: dict[str, Any] = self.decode(content)
        return data
