"""Background work of this room."""

from __future__ import annotations

import uuid
from datetime import timedelta

from kith.base.clock import now
from kith.core.jobs import job


@job("listening.look_back", tries=4)
def look_back(*, monitor_id: str, version: int) -> None:
    """Search what was already seen for a monitor that was made or changed; what was said to us in public first."""
    from kith.listening.services.inbox import inbox_take
    from kith.listening.services.lookback import monitor_look_back

    inbox_take()
    monitor_look_back(uuid.UUID(monitor_id), version)


@job("listening.searches_follow")
def searches_follow() -> None:
    from kith.listening.services import searches

    searches.searches_follow()


@job("listening.search", every="* * * * *")
def search() -> None:
    """Ask networks for what monitors look for."""
    from kith.listening.services import searches

    searches.searches_follow()
    searches.searches_run()


@job("listening.know", every="*/10 * * * *")
def know() -> None:
    """Posts of people whom we have come to know in the last hour are theirs from now on."""
    from kith.base.ids import id_for_time
    from kith.conversations.services.posts import posts_link

    posts_link(id_for_time(now() - timedelta(hours=1)))


@job("listening.sweep", every="21 4 * * *")
def sweep() -> None:
    """Forget posts that nobody looks for, keep what networks limit no longer than they allow, and count anew."""
    from kith.listening.services import sweeping

    sweeping.sweep()


@job("listening.monitors_sweep")
def monitors_sweep() -> None:
    """What removed monitors found goes, and then they do."""
    from kith.listening.services import sweeping

    sweeping.monitors_sweep()
