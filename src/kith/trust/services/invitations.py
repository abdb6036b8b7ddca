"""That somebody asked us to write on another channel, in their own words; it holds for a month."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import transaction

from kith.base.clock import now
from kith.base.text import clean
from kith.core import audit
from kith.teams.models import User
from kith.trust.models import Invitation

DAYS = 30


@transaction.atomic
def invitation_record(
    *, identity_id: uuid.UUID, quote: str, user: User, message_id: uuid.UUID | None = None
) -> Invitation:
    """`quote`: what they said, such as "call me on Tuesday"."""
    made = Invitation.objects.create(
        identity_id=identity_id,
        quote=clean(quote)[:1000],
        message_id=message_id,
        recorded_by=user,
        ends_at=now() + timedelta(days=DAYS),
    )
    audit.record("invitation_recorded", "identity", identity_id)
    return made


@transaction.atomic
def invitation_take_back(*, invitation: Invitation) -> None:
    """They did not: it ends now."""
    invitation.ends_at = now()
    invitation.save(update_fields=["ends_at"])
    audit.record("invitation_taken_back", "identity", invitation.identity_id)
