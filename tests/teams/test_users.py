"""Roles, profiles, invitations, teams."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError

from kith.base.clock import frozen, now
from kith.core.models import AuditEvent
from kith.teams.errors import NotAllowed, TeamsError
from kith.teams.models import Division, Invitation, Scope, Team, User
from kith.teams.services import (
    division_create,
    division_delete,
    invitation_accept,
    invitation_by_token,
    invitation_create,
    invitation_withdraw,
    scope_for,
    team_create,
    team_delete,
    team_set_members,
    team_update,
    user_change_role,
    user_create,
    user_set_teams,
    user_update_profile,
)
from tests.teams.conftest import Make

LINK = "https://kith.example/invitation/TOKEN/"


def test_an_address_belongs_to_one_user_whatever_its_case(make: Make) -> None:
    make("Ada")
    with pytest.raises(TeamsError) as caught:
        user_create(email="ADA@us.example", name="Other", password="a long pass phrase")
    assert caught.value.field == "email"


@pytest.mark.parametrize("password", ["short", "password1234", "1234567890"])
def test_weak_passwords_are_refused(db: None, password: str) -> None:
    with pytest.raises(ValidationError):
        user_create(email="a@us.example", name="A", password=password)
    assert not User.objects.exists()


def test_the_last_owner_stays(owner: User, make: Make) -> None:
    with pytest.raises(TeamsError):
        user_change_role(user=owner, role="admin", actor=owner)
    other = make("Otto", "owner")
    user_change_role(user=owner, role="admin", actor=other)
    assert User.objects.get(pk=owner.pk).role == "admin"
    with pytest.raises(TeamsError):
        user_change_role(user=other, role="agent", actor=other)


def test_an_owner_who_left_does_not_count(owner: User, make: Make) -> None:
    User.objects.filter(pk=make("Otto", "owner").pk).update(is_active=False)
    with pytest.raises(TeamsError):
        user_change_role(user=owner, role="agent", actor=owner)


@pytest.mark.parametrize(
    ("actor", "target", "role", "allowed"),
    [
        ("admin", "agent", "admin", True),
        ("admin", "agent", "owner", False),
        ("admin", "owner", "agent", False),
        ("manager", "agent", "viewer", False),
        ("agent", "agent", "agent", False),
        ("owner", "admin", "owner", True),
    ],
)
def test_nobody_gives_or_takes_more_than_they_have(
    make: Make, actor: str, target: str, role: str, allowed: bool
) -> None:
    make("Spare", "owner")
    who, whom = make("Who", actor), make("Whom", target)
    if allowed:
        assert user_change_role(user=whom, role=role, actor=who).role == role
    else:
        with pytest.raises(NotAllowed):
            user_change_role(user=whom, role=role, actor=who)
        assert User.objects.get(pk=whom.pk).role == target


def test_a_profile_can_not_carry_a_role(make: Make) -> None:
    ada = make("Ada")
    with pytest.raises(TeamsError):
        user_update_profile(user=ada, values={"role": "owner"})
    with pytest.raises(TeamsError):
        user_update_profile(user=ada, values={"time_zone": "Mars/Olympus"})
    with pytest.raises(TeamsError):
        user_update_profile(user=ada, values={"language": "xx"})
    user_update_profile(user=ada, values={"time_zone": "Europe/Berlin", "language": "de", "theme": "dark"})
    assert (User.objects.get().time_zone, User.objects.get().role) == ("Europe/Berlin", "agent")


def test_the_audit_log_tells_of_a_name_and_not_of_how_one_likes_ones_screen(make: Make) -> None:
    ada = make("Ada")
    own = {
        "time_zone": "Europe/Berlin",
        "language": "de",
        "theme": "dark",
        "preferences": {"density": "compact"},
    }
    user_update_profile(user=ada, values=own)
    assert not AuditEvent.objects.filter(action="user_changed").exists()
    user_update_profile(user=ada, values={**own, "theme": "light", "name": "Ada L."})
    assert AuditEvent.objects.get(action="user_changed").details == {"fields": ["name"]}


def _invite(by: User, email: str = "new@us.example", role: str = "agent", **rest: object) -> str:
    invitation_create(email=email, role=role, invited_by=by, link=LINK, **rest)  # type: ignore[arg-type]
    found = re.search(r"/invitation/([\w-]+)/", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


@pytest.mark.django_db(transaction=True)
def test_an_invitation_works_once_and_for_seven_days(owner: User) -> None:
    team = team_create(name="Sales")
    raw = _invite(owner, teams=[team])
    assert raw not in str(Invitation.objects.values())
    with frozen(now() + timedelta(days=8)), pytest.raises(TeamsError):
        invitation_accept(raw=raw, name="New", password="a long pass phrase")
    user = invitation_accept(raw=raw, name="New", password="a long pass phrase")
    assert (user.email, user.role, list(user.teams.all())) == ("new@us.example", "agent", [team])
    assert user.check_password("a long pass phrase")
    with pytest.raises(TeamsError):
        invitation_accept(raw=raw, name="Again", password="a long pass phrase")


@pytest.mark.django_db(transaction=True)
def test_a_second_invitation_ends_the_first_and_withdrawing_ends_both(owner: User) -> None:
    first, second = _invite(owner), _invite(owner)
    assert invitation_by_token(first) is None
    invitation = invitation_by_token(second)
    assert invitation is not None
    invitation_withdraw(invitation=invitation)
    assert invitation_by_token(second) is None


@pytest.mark.django_db(transaction=True)
def test_administrators_invite_and_not_above_themselves(owner: User, admin: User, make: Make) -> None:
    with pytest.raises(NotAllowed):
        _invite(make("Mia", "manager"))
    with pytest.raises(NotAllowed):
        _invite(admin, role="owner")
    with pytest.raises(TeamsError):
        _invite(admin, email="OLGA@us.example")
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_a_name_can_not_break_the_header_of_the_mail(make: Make) -> None:
    who = make("Olga", "owner")
    User.objects.filter(pk=who.pk).update(name="Olga\r\nBcc: all@world.example")
    who.refresh_from_db()
    _invite(who)
    assert mail.outbox[-1].recipients() == ["new@us.example"]
    assert "\n" not in mail.outbox[-1].subject


def test_teams_have_names_of_their_own_and_members(make: Make) -> None:
    ada, bob = make("Ada"), make("Bob")
    sales = team_create(name=" Sales  team ", members=[ada])
    assert sales.name == "Sales team"
    with pytest.raises(TeamsError):
        team_create(name="sales TEAM")
    team_set_members(team=sales, members=[bob])
    assert list(sales.members.all()) == [bob]
    user_set_teams(user=ada, teams=[sales])
    user_set_teams(user=bob, teams=[])
    assert list(sales.members.all()) == [ada]
    assert AuditEvent.objects.filter(action="members_changed").count() == 2


def test_a_team_that_alone_sees_something_stays(db: None) -> None:
    sales, service = team_create(name="Sales"), team_create(name="Service")
    scope_for(kind="teams", teams=[sales])
    with pytest.raises(TeamsError):
        team_delete(team=sales)
    team_delete(team=service)
    assert list(Team.objects.all()) == [sales]


def test_a_division_goes_and_its_teams_stay(db: None) -> None:
    north = division_create(name="North")
    team = team_create(name="Sales", division=north)
    division_delete(division=north)
    team.refresh_from_db()
    assert team.division is None
    assert not Division.objects.exists()
    team_update(team=team, name="Sales North", division=None)


def test_one_audience_is_one_scope(make: Make) -> None:
    ada, sales, service = make("Ada"), team_create(name="Sales"), team_create(name="Service")
    assert scope_for(kind="everyone") == scope_for(kind="everyone")
    both = scope_for(kind="teams", teams=[sales, service])
    assert both == scope_for(kind="teams", teams=[service, sales])
    assert both != scope_for(kind="teams", teams=[sales])
    assert scope_for(kind="private", owner=ada) == scope_for(kind="private", owner=ada)
    assert Scope.objects.count() == 4
    for bad in (
        {"kind": "teams"},
        {"kind": "private"},
        {"kind": "nobody"},
        {"kind": "everyone", "owner": ada},
    ):
        with pytest.raises(TeamsError):
            scope_for(**bad)  # type: ignore[arg-type]
