"""Who sends what: deliveries taken by one sending thread, and taken over from one that has died.

A claim commits before the network is touched. The claimer holds a session lock for as long as it lives, so that others
know at once when a claim is orphaned.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction

from kith.base.clock import now
from kith.channels.models import Delivery
from kith.networks.models import ChannelAccount

LOCK_SPACE = 0x4B17
# Longer than a sending takes: a process that lost only its database may still be busy with the network.
ORPHAN_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Claimer:
    """One sending thread. Its `number` is locked in PostgreSQL by the session that sends, for as long as that lives."""

    number: int

    @classmethod
    def start(cls) -> Claimer:
        number = int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF
        claimer = cls(number)
        claimer.hold()
        return claimer

    def hold(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_SPACE, self.number])


def deliveries_claim(claimer: Claimer) -> Delivery | None:
    """Take the oldest delivery that is due; committed when this returns. Those of paused channels stay where they are."""
    with transaction.atomic():
        found = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(
                state=Delivery.State.QUEUED,
                not_before__lte=now(),
                channel_account__state__in=(ChannelAccount.State.ACTIVE, ChannelAccount.State.REMOVED),
            )
            .order_by("not_before")
            .first()
        )
        if found is None:
            return None
        found.state, found.claimed_at, found.claimed_by = Delivery.State.CLAIMED, now(), str(claimer.number)
        found.attempts += 1
        found.save(update_fields=["state", "claimed_at", "claimed_by", "attempts"])
    return found


def orphans_claim(claimer: Claimer, limit: int) -> Sequence[Delivery]:
    """Claims whose claimer's lock can be taken; claimed anew by this session, so that one process asks."""
    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, claimed_by FROM channels_delivery WHERE state = 'claimed' AND claimed_at < %s "
            "ORDER BY claimed_at LIMIT %s FOR UPDATE SKIP LOCKED",
            [now() - ORPHAN_AFTER, limit],
        )
        for key, claimed_by in cursor.fetchall():
            number = int(claimed_by) if claimed_by.isdigit() else 0
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK_SPACE, number])
            if cursor.fetchone()[0]:
                found.append(key)
        if found:
            # `claimed_at` stays: the network is asked for what it has had since the first claim, not since this one.
            Delivery.objects.filter(pk__in=found).update(claimed_by=str(claimer.number))
    return list(Delivery.objects.filter(pk__in=found))
