"""Users: made, changed, given a role."""

from __future__ import annotations

import uuid
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.core import audit
from kith.teams.errors import NotAllowed, TeamsError
from kith.teams.models import Invitation, Membership, PushSubscription, Role, Team, User

RANK = {Role.VIEWER: 0, Role.AGENT: 1, Role.MANAGER: 2, Role.ADMIN: 3, Role.OWNER: 4}
THEMES = ("", "light", "dark")
PROFILE = ("name", "language", "time_zone", "theme", "signature", "away")
# What others see of somebody is for the audit log; how one likes one's own screen is nobody else's concern.
TOLD = frozenset({"name", "signature"})


def check_may_give(actor: User | None, role: str) -> None:
    """Only administrators give roles, and nobody gives one above their own. `actor` None is the system."""
    if actor is None:
        return
    if not actor.administers:
        raise NotAllowed(_("Only administrators give roles."))
    if RANK[Role(role)] > RANK[Role(actor.role)]:
        raise NotAllowed(_("Nobody can give a role above their own."), field="role")


@transaction.atomic
def user_create(
    *, email: str, name: str, password: str | None = None, role: str = Role.AGENT, teams: Iterable[Team] = ()
) -> User:
    """A user whose address counts as verified (an invitation or the first start has proved it).

    Raises TeamsError for an address that is taken; Django's ValidationError for a weak password.
    """
    address = email.strip().lower()
    if User.objects.filter(email__iexact=address).exists():
        raise TeamsError(_("Somebody with this address works here already."), field="email")
    if password is not None:
        validate_password(password, User(email=address, name=name))
    user = User.objects.create_user(address, password, name=name.strip(), role=role)
    EmailAddress.objects.create(user=user, email=address, primary=True, verified=True)
    Membership.objects.bulk_create(Membership(user=user, team=team) for team in teams)
    audit.record("user_created", "user", user.id, email=address, role=role)
    return user


@transaction.atomic
def user_update_profile(*, user: User, values: Mapping[str, Any]) -> User:
    """Change what a user may change of themselves; anything but `PROFILE` and "preferences" is refused."""
    if unknown := set(values) - {*PROFILE, "preferences"}:
        raise TeamsError(f"not part of a profile: {sorted(unknown)}")
    if not str(values.get("name", user.name)).strip():
        raise TeamsError(_("A name is needed."), field="name")
    if values.get("language", "") not in ("", *dict(settings.LANGUAGES)):
        raise TeamsError(_("Kith does not speak this language."), field="language")
    if values.get("time_zone") and values["time_zone"] not in zoneinfo.available_timezones():
        raise TeamsError(_("There is no time zone of this name."), field="time_zone")
    if values.get("theme", "") not in THEMES:
        raise TeamsError(_("There is no theme of this name."), field="theme")
    changed = [name for name in values if getattr(user, name) != values[name]]
    for name in changed:
        value = values[name]
        setattr(user, name, {**user.preferences, **value} if name == "preferences" else value)
    if changed:
        user.save(update_fields=changed)
    if told := sorted(TOLD.intersection(changed)):
        audit.record("user_changed", "user", user.id, fields=told)
    return user


@transaction.atomic
def user_change_role(*, user: User, role: str, actor: User | None) -> User:
    """Give another role. The last owner stays one; nobody changes somebody above themselves."""
    if role not in Role.values:
        raise TeamsError(_("There is no such role."), field="role")
    check_may_give(actor, role)
    if actor is not None and RANK[Role(user.role)] > RANK[Role(actor.role)]:
        raise NotAllowed(_("Only an owner can change an owner."), field="role")
    if role == user.role:
        return user
    if user.role == Role.OWNER:
        check_not_last_owner(user)
    before, user.role = user.role, role
    user.save(update_fields=["role"])
    may_give = [given for given in Role if user.administers and RANK[given] <= RANK[Role(role)]]
    invitations_of(user).exclude(role__in=may_give).update(withdrawn_at=now())
    audit.record("role_changed", "user", user.id, before=before, after=role)
    return user


def invitations_of(user: User) -> QuerySet[Invitation]:
    """Those that the user sent and that wait: a way in, which ends with the right to open it."""
    return Invitation.objects.filter(
        invited_by=user, accepted_at=None, withdrawn_at=None, expires_at__gt=now()
    )


def check_not_last_owner(user: User) -> None:
    """Raise when nobody would own the company without `user`. Serialised, so that two owners can't both go."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('kith.teams.owners'))")
    if not User.objects.filter(role=Role.OWNER, is_active=True).exclude(pk=user.pk).exists():
        raise TeamsError(_("The last owner can't go. Make somebody else an owner first."), field="role")


@transaction.atomic
def user_set_teams(*, user: User, teams: Iterable[Team]) -> None:
    """Make the user a member of exactly these teams."""
    wanted, had = {team.id for team in teams}, set(user.teams.values_list("id", flat=True))
    Membership.objects.filter(user=user, team_id__in=had - wanted).delete()
    Membership.objects.bulk_create(Membership(user=user, team_id=team) for team in wanted - had)
    if wanted != had:
        audit.record("teams_changed", "user", user.id, joined=_texts(wanted - had), left=_texts(had - wanted))


def push_subscription_remove(*, user: User, subscription_id: uuid.UUID) -> bool:
    """Push nothing more to one of the user's own browsers; False when there is none of this id."""
    return PushSubscription.objects.filter(user=user, pk=subscription_id).delete()[0] > 0


def _texts(ids: Iterable[uuid.UUID]) -> list[str]:
    return sorted(str(value) for value in ids)
