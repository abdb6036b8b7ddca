"""Off-boarding: a colleague leaves, their access ends at once, their work passes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.core import audit
from kith.teams import handover
from kith.teams.errors import NotAllowed, TeamsError
from kith.teams.models import ApiToken, Membership, PushSubscription, Role, Scope, Team, User
from kith.teams.services.sessions import sessions_end, sessions_of
from kith.teams.services.users import RANK, check_not_last_owner, invitations_of


@dataclass(frozen=True, slots=True)
class Leaving:
    """What ends and what passes on when `user` leaves: counts, and work as (name, title, count)."""

    user: User
    sessions: int
    api_tokens: int
    invitations: int
    push_subscriptions: int
    private_scopes: tuple[Scope, ...]
    work: tuple[tuple[str, Any, int], ...] = field(default=())


def leaving_preview(user: User) -> Leaving:
    return Leaving(
        user=user,
        sessions=len(sessions_of(user)),
        api_tokens=ApiToken.objects.filter(user=user, revoked_at=None).count(),
        invitations=invitations_of(user).count(),
        push_subscriptions=PushSubscription.objects.filter(user=user).count(),
        private_scopes=tuple(Scope.objects.filter(owner=user).order_by("name")),
        work=tuple((h.name, h.title, h.count(user.id)) for h in handover.holdings()),
    )


@transaction.atomic
def user_leave(
    *,
    user: User,
    actor: User,
    to_user: User | None = None,
    to_team: Team | None = None,
    private_to: User | None = None,
) -> dict[str, int]:
    """End a user's access and hand their work to a colleague or a team (neither: it is nobody's).

    Private scopes pass to `private_to`, or stay closed with the one who left. Returns what moved, by name.
    """
    _check_may_end(user, actor)
    for heir in (to_user, private_to):
        if heir is not None and (not heir.is_active or heir.pk == user.pk):
            raise TeamsError(_("Choose a colleague who still works here."), field="to_user")
    if to_user is not None and to_team is not None:
        raise TeamsError(_("Choose a colleague or a team, not both."), field="to_user")
    if user.role == Role.OWNER:
        check_not_last_owner(user)
    moved = {
        holding.name: holding.move(user, to_user=to_user, to_team=to_team) for holding in handover.holdings()
    }
    scopes = list(Scope.objects.filter(owner=user))
    if private_to is not None:
        for scope in scopes:
            scope.owner, scope.name = private_to, private_to.name[:120]
            scope.save(update_fields=["owner", "name"])
        moved["private_scopes"] = len(scopes)
    moved["sessions"] = sessions_end(user=user)
    moved["api_tokens"] = ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=now())
    moved["invitations"] = invitations_of(user).update(withdrawn_at=now())
    moved["push_subscriptions"] = PushSubscription.objects.filter(user=user).delete()[0]
    Membership.objects.filter(user=user).delete()
    user.is_active, user.left_at = False, now()
    user.set_unusable_password()
    user.save(update_fields=["is_active", "left_at", "password"])
    audit.record(
        "user_left",
        "user",
        user.id,
        moved=moved,
        to_user=str(to_user.pk) if to_user else None,
        to_team=str(to_team.pk) if to_team else None,
        private_to=str(private_to.pk) if private_to else None,
    )
    return moved


@transaction.atomic
def user_return(*, user: User, actor: User) -> None:
    """Let somebody in again; they choose a new password by a reset, and have no teams yet."""
    if not actor.administers or RANK[Role(user.role)] > RANK[Role(actor.role)]:
        raise NotAllowed(_("Only administrators can do this."))
    if not user.is_active:
        user.is_active, user.left_at = True, None
        user.save(update_fields=["is_active", "left_at"])
        audit.record("user_returned", "user", user.id)


def _check_may_end(user: User, actor: User) -> None:
    if not actor.administers or RANK[Role(user.role)] > RANK[Role(actor.role)]:
        raise NotAllowed(_("Only administrators can do this."))
    if user.pk == actor.pk:
        raise NotAllowed(_("Ask another administrator to end your own access."))
    if not user.is_active:
        raise TeamsError(_("This colleague has left already."))
