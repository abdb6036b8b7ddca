"""What was said to us in public before anybody listened is among what was already seen."""

from __future__ import annotations

import uuid
from datetime import timedelta

from kith.base.clock import now
from kith.conversations.models import Message
from kith.conversations.services.posts import posts_of_messages
from kith.core import company

DAYS, BATCH, KEY = 90, 500, "listening_inbox_taken"


def inbox_take() -> int:
    """Once: posts of the public messages of the last 90 days. From then on they come as events. Returns how many were new."""
    if company.value(KEY):
        return 0
    new, last = 0, uuid.UUID(int=0)
    rows = Message.objects.filter(
        visibility="public", direction="in", at__gt=now() - timedelta(days=DAYS)
    ).order_by("pk")
    while ids := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        new += len(posts_of_messages(ids))
        last = ids[-1]
    company.set_value(KEY, True)
    return new
