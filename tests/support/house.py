"""A small company for tests: users, teams, scopes and channel accounts, made with one call each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kith.networks.models import ChannelAccount
from kith.teams.models import Membership, Scope, Team, User

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def user(name: str = "Mara", role: str = "agent", **rest: Any) -> User:
    return User.objects.create_user(
        f"{name.lower()}@us.example", "a good password", name=name, role=role, **rest
    )


def team(name: str, *members: User) -> Team:
    made = Team.objects.create(name=name)
    for member in members:
        Membership.objects.create(team=made, user=member)
    return made


def everyone() -> Scope:
    return Scope.objects.get_or_create(kind="everyone", defaults={"name": "Everyone"})[0]


def team_scope(*teams: Team) -> Scope:
    made = Scope.objects.create(kind="teams", name=", ".join(t.name for t in teams))
    made.teams.set(teams)
    return made


def account(network: str = "simulator", *, scope: Scope | None = None, **rest: Any) -> ChannelAccount:
    values: dict[str, Any] = {
        "name": "Us",
        "address": "us",
        "external_id": "us",
        "history_until": LONG_AGO,
        "scope": scope or everyone(),
    }
    return ChannelAccount.objects.create(network=network, **{**values, **rest})


def mailbox(address: str = "info@us.example", **rest: Any) -> ChannelAccount:
    return account(
        "email", name=address, address=address, external_id=address, settings={"address": address}, **rest
    )


def ago(**span: float) -> datetime:
    return datetime.now(tz=UTC) - timedelta(**span)
