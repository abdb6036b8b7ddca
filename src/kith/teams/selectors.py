"""Reads about users, teams and what they may see."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Q, QuerySet

from kith.core import sql
from kith.core.asking import Ask, Rows
from kith.teams.models import Scope, Team, User
from kith.teams.sight import SIGHT
from kith.teams.types import Viewer


class Named(NamedTuple):
    """Somebody or something to choose."""

    id: uuid.UUID
    name: str


def named(rows: Rows) -> list[Named]:
    """What an ask makes of rows of ids and names."""
    return [Named(*row) for row in rows]


def viewer_of(user: User) -> Viewer:
    """What `user` may see, by their teams and scopes: one query."""
    teams, scopes, sees_all = sql.prepared(SIGHT, {"user": user.id})[0]
    return Viewer(user.id, user.role, tuple(teams), tuple(scopes), sees_all)


def may_manage(user: User) -> bool:
    """Managers; where one person works, that one may do what a manager may."""
    return user.manages or not User.objects.filter(is_active=True).exclude(pk=user.pk).exists()


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


def colleagues_ask() -> Ask:
    """The same by name alone, to be asked together with others."""
    return Ask("SELECT id, name FROM teams_user WHERE is_active ORDER BY name", {}, named)


def teams() -> QuerySet[Team]:
    return Team.objects.order_by("name")


def teams_ask() -> Ask:
    """All teams by name, to be asked together with others."""
    return Ask("SELECT id, name FROM teams_team ORDER BY name", {}, named)
