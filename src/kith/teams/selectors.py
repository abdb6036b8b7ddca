"""Reads about users, teams and what they may see."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from kith.core import sql
from kith.teams.models import Scope, Team, User
from kith.teams.sight import SIGHT
from kith.teams.types import Viewer


def viewer_of(user: User) -> Viewer:
    """What `user` may see, by their teams and scopes: one query."""
    teams, scopes, sees_all = sql.prepared(SIGHT, {"user": user.id})[0]
    return Viewer(user.id, user.role, tuple(teams), tuple(scopes), sees_all)


def users_who_see(scope_ids: Iterable[uuid.UUID]) -> QuerySet[User]:
    """Active users who may see at least one of the scopes."""
    scopes = list(scope_ids)
    return User.objects.filter(
        Q(private_scopes__in=scopes)
        | Q(teams__scopes__in=scopes)
        | Q(
            pk__in=User.objects.all() if Scope.objects.filter(pk__in=scopes, kind="everyone").exists() else []
        ),
        is_active=True,
    ).distinct()


def colleagues(viewer: Viewer) -> QuerySet[User]:
    """Everyone who works here; names are no secret among colleagues."""
    return User.objects.filter(is_active=True).order_by("name")


def teams() -> QuerySet[Team]:
    return Team.objects.order_by("name")
