"""Messages drawn at random, whose readings people find right or wrong: what the figures of accuracy rest on."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.conversations.models import MessageCopy
from kith.teams.errors import NotAllowed
from kith.teams.types import Viewer
from kith.understanding.errors import UnderstandingError
from kith.understanding.models import Annotation, Check
from kith.understanding.services.correct import message_correct


@transaction.atomic
def check_record(
    viewer: Viewer, message_id: uuid.UUID, *, outcome: str, values: Mapping[str, Any] | None = None
) -> Check:
    """Keep what a person found of a message that was drawn; `values` say what would be right, and correct the message.

    Fields that `values` changed were wrong. Raises UnderstandingError when somebody was quicker.
    """
    if not viewer.may_write:
        raise NotAllowed(_("You may read here, not change."))
    if outcome not in Check.Outcome.values:
        raise UnderstandingError(_("Say whether it is right or wrong."))
    if not MessageCopy.objects.filter(message_id=message_id, scope_id__in=viewer.scope_ids).exists():
        raise NotAllowed(_("There is no such message."))
    row = Annotation.objects.select_for_update().filter(message_id=message_id, state="read").first()
    if row is None or Check.objects.filter(message_id=message_id).exists():
        raise UnderstandingError(_("A colleague has looked at this one meanwhile."))
    wrong: tuple[str, ...] = ()
    if outcome == Check.Outcome.WRONG:
        wrong = message_correct(viewer, message_id, values=values or {}).fields
        if not wrong:
            raise UnderstandingError(_("Say what would be right."), field="sentiment")
    return Check.objects.create(
        message_id=message_id,
        by_id=viewer.user_id,
        outcome=outcome,
        wrong=list(wrong),
        language=row.language,
        tier=row.tier,
        model=row.model,
        sure="unsure" not in row.labels,
    )
