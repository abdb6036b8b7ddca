"""Scopes: one row for each audience, so that two channels with the same audience share it and their threads may join."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from kith.core import audit
from kith.teams.errors import TeamsError
from kith.teams.models import Scope, Team, User


@transaction.atomic
def scope_for(*, kind: str, teams: Iterable[Team] = (), owner: User | None = None) -> Scope:
    """The scope of exactly this audience; made when there is none. Raises TeamsError for one that nobody sees."""
    chosen = _checked(kind, list(teams), owner)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('kith.teams.scopes'))")
    found = _find(kind, chosen, owner)
    if found is None:
        found = Scope.objects.create(kind=kind, owner=owner, name=_name(kind, chosen, owner))
        found.teams.set(chosen)
        audit.record("scope_created", "scope", found.id, audience=audience_of(found))
    return found


@transaction.atomic
def scope_change(*, scope: Scope, kind: str, teams: Iterable[Team] = (), owner: User | None = None) -> Scope:
    """Change who may see everything of this scope, from this moment. Other scopes stay as they are."""
    chosen = _checked(kind, list(teams), owner)
    before = audience_of(scope)
    scope.kind, scope.owner, scope.name = kind, owner, _name(kind, chosen, owner)
    scope.save(update_fields=["kind", "owner", "name"])
    scope.teams.set(chosen)
    audit.record("scope_changed", "scope", scope.id, before=before, after=audience_of(scope))
    return scope


def audience_of(scope: Scope) -> dict[str, object]:
    """Kind, ids of teams and id of the owner, as JSON."""
    return {
        "kind": str(scope.kind),
        "teams": sorted(str(pk) for pk in scope.teams.values_list("pk", flat=True)),
        "owner": str(scope.owner_id) if scope.owner_id else None,
    }


def _checked(kind: str, teams: list[Team], owner: User | None) -> list[Team]:
    if kind not in Scope.Kind.values:
        raise TeamsError(_("Say who may see it."), field="kind")
    if kind == Scope.Kind.TEAMS and not teams:
        raise TeamsError(_("Choose at least one team."), field="teams")
    if (kind == Scope.Kind.PRIVATE) != (owner is not None):
        raise TeamsError(_("Choose the one person who may see it."), field="owner")
    return teams if kind == Scope.Kind.TEAMS else []


def _find(kind: str, teams: list[Team], owner: User | None) -> Scope | None:
    rows = Scope.objects.filter(kind=kind, owner=owner).order_by("id")
    if kind != Scope.Kind.TEAMS:
        return rows.first()
    wanted = {team.pk for team in teams}
    for row in rows.annotate(size=Count("teams")).filter(size=len(wanted)).prefetch_related("teams"):
        if {team.pk for team in row.teams.all()} == wanted:
            return row
    return None


def _name(kind: str, teams: list[Team], owner: User | None) -> str:
    if kind == Scope.Kind.EVERYONE:
        return "Everyone"
    if kind == Scope.Kind.PRIVATE and owner is not None:
        return owner.name[:120]
    return ", ".join(sorted(team.name for team in teams))[:120]
