"""What this room keeps of people: that a post of theirs was found. It goes with the post; so does a search for them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import Q

from kith.core.jobs import defer
from kith.core.registry import is_certain, keeps, on_erased
from kith.listening.models import Mention, Monitor, Search
from kith.listening.services.monitors import version_next


def register() -> None:
    keeps(
        Mention,
        "post__author__contact",
        erase="delete",
        export=("monitor", "created_at", "state"),
    )
    on_erased(_searches)


def _searches(ids: Sequence[uuid.UUID], words: Sequence[str]) -> None:
    """A search that names them by what means nobody else looks for nobody any more."""
    from kith.listening.jobs import monitors_sweep

    for word in filter(is_certain, words):
        Search.objects.filter(words__icontains=word).delete()
        named = Q(query__icontains=word) | Q(name__icontains=word)
        for monitor in Monitor.objects.exclude(state=Monitor.State.REMOVED).filter(named):
            monitor.name, monitor.query = "…", ""
            monitor.state, monitor.version = Monitor.State.REMOVED, version_next()
            monitor.save(update_fields=["name", "query", "state", "version"])
            defer(monitors_sweep, key="listening.monitors_sweep", after=60)
