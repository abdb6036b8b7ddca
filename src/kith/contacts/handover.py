"""Contacts that a colleague looks after pass on when they leave."""

from __future__ import annotations

import uuid

from django.utils.translation import gettext_lazy as _

from kith.contacts.models import Contact
from kith.teams import handover
from kith.teams.models import Team, User


def register() -> None:
    handover.register("contacts", _("People they look after"), count=_count, move=_move)


def _count(user_id: uuid.UUID) -> int:
    return Contact.objects.filter(owner_id=user_id, deleted_at=None).count()


def _move(user: User, *, to_user: User | None, to_team: Team | None) -> int:
    return Contact.objects.filter(owner=user).update(owner=to_user)
