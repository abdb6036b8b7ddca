"""After a restore: what was waiting to be sent when the backup was made may have been sent since."""

from __future__ import annotations

from datetime import datetime

from kith.base.clock import now
from kith.channels.models import Delivery
from kith.channels.outbox import scheduled_release
from kith.core.backup import making

NOBODY = "0"  # a claimer whose lock is always free, so that the recovery of orphans takes these up


def register() -> None:
    making.on_restored(deliveries_doubt)


def deliveries_doubt(made_at: datetime) -> None:
    """Treat what was due as interrupted while being sent: the network is asked, and only what it has not is sent again.

    What is planned for later has not left yet, unless it fell due between the backup and now; then it is due here too.
    """
    while scheduled_release():
        continue
    due = Delivery.objects.filter(state=Delivery.State.QUEUED, not_before__lte=now())
    due.update(state=Delivery.State.CLAIMED, claimed_by=NOBODY, claimed_at=made_at)
