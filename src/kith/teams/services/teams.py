"""Teams and divisions."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from kith.core import audit
from kith.teams.errors import TeamsError
from kith.teams.models import Division, Membership, Scope, Team, User


def _free_name(model: type[Team] | type[Division], name: str, *, but: uuid.UUID | None = None) -> str:
    name = " ".join(name.split())
    if not name:
        raise TeamsError(_("A name is needed."), field="name")
    taken = model.objects.filter(name__iexact=name)
    if (taken.exclude(pk=but) if but else taken).exists():
        raise TeamsError(_("This name is taken."), field="name")
    return name


@transaction.atomic
def team_create(*, name: str, division: Division | None = None, members: Iterable[User] = ()) -> Team:
    team = Team.objects.create(name=_free_name(Team, name), division=division)
    audit.record("team_created", "team", team.id, name=team.name)
    team_set_members(team=team, members=members)
    return team


@transaction.atomic
def team_update(*, team: Team, name: str, division: Division | None) -> Team:
    team.name, team.division = _free_name(Team, name, but=team.pk), division
    team.save(update_fields=["name", "division"])
    audit.record("team_changed", "team", team.id, name=team.name)
    return team


@transaction.atomic
def team_set_members(*, team: Team, members: Iterable[User]) -> None:
    """Make exactly these users the members."""
    wanted = {user.id for user in members}
    had = set(Membership.objects.filter(team=team).values_list("user_id", flat=True))
    Membership.objects.filter(team=team, user_id__in=had - wanted).delete()
    Membership.objects.bulk_create(Membership(team=team, user_id=user) for user in wanted - had)
    if wanted != had:
        audit.record(
            "members_changed",
            "team",
            team.id,
            joined=sorted(map(str, wanted - had)),
            left=sorted(map(str, had - wanted)),
        )


@transaction.atomic
def team_delete(*, team: Team) -> None:
    """Refused while a scope would be left that nobody sees."""
    for scope in Scope.objects.filter(kind=Scope.Kind.TEAMS, teams=team):
        if not scope.teams.exclude(pk=team.pk).exists():
            raise TeamsError(_("%s is seen by this team alone. Let somebody else see it first.") % scope.name)
    audit.record("team_deleted", "team", team.id, name=team.name)
    try:
        team.delete()
    except ProtectedError as error:
        raise TeamsError(_("This team still holds something and can't be deleted.")) from error


@transaction.atomic
def division_create(*, name: str) -> Division:
    division = Division.objects.create(name=_free_name(Division, name))
    audit.record("division_created", "division", division.id, name=division.name)
    return division


@transaction.atomic
def division_rename(*, division: Division, name: str) -> Division:
    division.name = _free_name(Division, name, but=division.pk)
    division.save(update_fields=["name"])
    audit.record("division_renamed", "division", division.id, name=division.name)
    return division


@transaction.atomic
def division_delete(*, division: Division) -> None:
    """Its teams stay, without a division."""
    audit.record("division_deleted", "division", division.id, name=division.name)
    division.delete()
