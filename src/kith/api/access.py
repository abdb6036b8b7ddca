"""Who asks: one statement knows the token, its user and whether it asks too often."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any, cast

from django.http import HttpRequest
from ninja.security import HttpBearer

from kith.api.problems import Problem
from kith.core import audit, sql
from kith.teams.models import Role, User
from kith.teams.selectors import viewer_of
from kith.teams.services.tokens import token_hash
from kith.teams.types import API_PERMISSIONS, Viewer

A_MINUTE = 600  # requests that one token may make

# The count stands in an unlogged table and its own short transaction, so that it costs no write to the log.
_ENTER = """
WITH token AS (
    SELECT t.id, t.permissions, t.last_used_at, u.id AS user_id, u.name, u.role, u.language
    FROM teams_apitoken t JOIN teams_user u ON u.id = t.user_id
    WHERE t.token_hash = %(hash)s AND t.revoked_at IS NULL AND u.is_active
      AND (t.expires_at IS NULL OR t.expires_at > now())
), counted AS (
    INSERT INTO api_tokenuse AS c (token_id, minute, count) SELECT id, %(minute)s, 1 FROM token
    ON CONFLICT (token_id) DO UPDATE SET minute = excluded.minute,
        count = CASE WHEN c.minute = excluded.minute THEN c.count + 1 ELSE 1 END
    RETURNING count
)
SELECT token.*, counted.count FROM token, counted
"""
_USED = """
UPDATE teams_apitoken SET last_used_at = now() WHERE id = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '10 minutes')
"""


@dataclass(slots=True)
class Caller:
    """A token at work: it sees what its user sees, and may do what it was given."""

    token_id: uuid.UUID
    permissions: frozenset[str]
    user_id: uuid.UUID
    user_name: str
    role: str
    remaining: int
    _viewer: Viewer | None = field(default=None, repr=False)

    @property
    def user(self) -> User:
        """Whom to name as the one who did it: id, name and role are set, nothing else was read."""
        return User(id=self.user_id, name=self.user_name, role=self.role)

    @property
    def looked(self) -> bool:
        """Whether the request asked for rows that not everybody may see."""
        return self._viewer is not None

    @property
    def viewer(self) -> Viewer:
        if self._viewer is None:
            self._viewer = viewer_of(self.user)
        return self._viewer


def enter(request: HttpRequest) -> Caller:
    """The caller of a request; raises Problem 401 or 429. Cookies are never looked at."""
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not raw.strip():
        raise Problem(
            401,
            "Send an API token: Authorization: Bearer kith_...",
            headers={"WWW-Authenticate": 'Bearer realm="kith"'},
        )
    seconds = int(time.time())
    found = sql.prepared(_ENTER, {"hash": token_hash(raw.strip()), "minute": seconds // 60})
    if not found:
        raise Problem(
            401,
            "This token is unknown, has ended, or its user has left.",
            headers={"WWW-Authenticate": 'Bearer realm="kith", error="invalid_token"'},
        )
    token_id, permissions, last_used, user_id, name, role, _language, count = found[0]
    if last_used is None or seconds - last_used.timestamp() > 600:
        sql.run(_USED, [token_id])
    if count > A_MINUTE:
        wait = str(60 - seconds % 60)
        raise Problem(
            429,
            f"At most {A_MINUTE} requests a minute; try again in {wait} s.",
            headers={"Retry-After": wait},
        )
    audit.act_as(audit.Actor(user_id, name, request.META.get("REMOTE_ADDR")))
    return Caller(token_id, frozenset(permissions), user_id, name, role, A_MINUTE - count)


def caller_of(request: HttpRequest) -> Caller:
    return cast(Caller, cast(Any, request).kith_caller)


class Token(HttpBearer):
    """Asks for one permission ("": any token will do), perhaps of an administrator; the token itself was looked up before,
    by `enter`."""

    def __init__(self, permission: str = "", *, administrators: bool = False) -> None:
        if permission and permission not in API_PERMISSIONS:
            raise ValueError(permission)
        self.permission, self.administrators = permission, administrators
        super().__init__()

    def __call__(self, request: HttpRequest) -> Caller:
        caller = caller_of(request)
        if self.permission and self.permission not in caller.permissions:
            raise Problem(403, f"This token lacks the permission {self.permission}.")
        if self.permission.endswith(":write") and caller.role == "viewer":
            raise Problem(403, "The token's user may read but not change anything.")
        if self.administrators and caller.role not in (Role.OWNER, Role.ADMIN):
            raise Problem(403, "Only tokens of administrators may do this.")
        return caller

    def authenticate(self, request: HttpRequest, token: str) -> None:
        raise NotImplementedError
