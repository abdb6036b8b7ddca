"""Invitations: a link by mail that makes a user, once, within seven days."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.core import audit, company
from kith.teams.errors import TeamsError
from kith.teams.models import Invitation, Role, Team, User
from kith.teams.services.tokens import token_hash
from kith.teams.services.users import check_may_give, user_create

VALID = timedelta(days=7)


@transaction.atomic
def invitation_create(
    *,
    email: str,
    role: str,
    invited_by: User,
    link: str,
    name: str = "",
    teams: Iterable[Team] = (),
    language: str = "",
) -> Invitation:
    """Invite somebody by mail. `link` is the address of the page, with `TOKEN` where the token goes.

    An earlier open invitation to the same address stops working. The mail leaves when the transaction commits.
    """
    address = email.strip().lower()
    check_may_give(invited_by, role)
    if User.objects.filter(email__iexact=address).exists():
        raise TeamsError(_("Somebody with this address works here already."), field="email")
    _open().filter(email__iexact=address).update(withdrawn_at=now())
    raw = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        email=address,
        name=name.strip(),
        role=role,
        invited_by=invited_by,
        token_hash=token_hash(raw),
        expires_at=now() + VALID,
    )
    invitation.teams.set(teams)
    audit.record("user_invited", "invitation", invitation.id, email=address, role=role)
    with translation.override(language or translation.get_language()):
        subject = _("%(who)s invites you to Kith of %(company)s") % {
            "who": invited_by.name,
            "company": company.name(),
        }
        text = _(
            "Hello,\n\n%(who)s has invited you to work in the Kith of %(company)s.\n\n"
            "Open this link to choose a password. It works once, and for 7 days:\n%(link)s\n\n"
            "If you did not expect this, ignore it."
        ) % {"who": invited_by.name, "company": company.name(), "link": link.replace("TOKEN", raw)}
    mail = EmailMessage(" ".join(subject.split()), text, to=[address])
    transaction.on_commit(lambda: mail.send(fail_silently=True), robust=True)
    return invitation


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now())


def invitation_by_token(raw: str) -> Invitation | None:
    """The open invitation of this link, or None."""
    return _open().filter(token_hash=token_hash(raw)).first()


@transaction.atomic
def invitation_accept(*, raw: str, name: str, password: str) -> User:
    """Make the user; raises TeamsError when the link no longer works, ValidationError for a weak password."""
    invitation = _open().select_for_update().filter(token_hash=token_hash(raw)).first()
    if invitation is None:
        raise TeamsError(_("This link no longer works. Ask for a new invitation."))
    return _accept(invitation, name, password)


@transaction.atomic
def invitation_accept_confirmed(*, email: str, name: str) -> User | None:
    """Make the user of an open invitation whose address single sign-on has confirmed; None when there is none."""
    invitation = _open().select_for_update().filter(email__iexact=email).order_by("-id").first()
    return _accept(invitation, name, None) if invitation else None


def _accept(invitation: Invitation, name: str, password: str | None) -> User:
    user = user_create(
        email=invitation.email,
        name=name or invitation.name or invitation.email.split("@")[0],
        password=password,
        role=Role(invitation.role),
        teams=invitation.teams.all(),
    )
    invitation.accepted_at = now()
    invitation.save(update_fields=["accepted_at"])
    return user


@transaction.atomic
def invitation_withdraw(*, invitation: Invitation) -> None:
    if invitation.accepted_at is None and invitation.withdrawn_at is None:
        invitation.withdrawn_at = now()
        invitation.save(update_fields=["withdrawn_at"])
        audit.record("invitation_withdrawn", "invitation", invitation.id, email=invitation.email)
