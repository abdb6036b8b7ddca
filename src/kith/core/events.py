"""News travels up: a lower room records an event in its transaction; subscribers are idempotent and get ids in batches.

Each subscriber has rows of its own, so one that fails neither undoes the receipt nor holds up the others. A batch that
fails is tried again row by row; a row that fails `MAX_ATTEMPTS` times is set aside and shown by `kith doctor`.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction

from kith.base.clock import now
from kith.core.logs import hide_secrets
from kith.core.models import EventDelivery
from kith.core.rows import copy

log = logging.getLogger(__name__)
Handler = Callable[[str, Sequence[uuid.UUID]], None]
_COLUMNS = (
    "subscriber", "kind", "subject_id", "recorded_at", "attempts", "not_before", "error", "set_aside",
)  # fmt: skip
BATCH, MAX_ATTEMPTS, CHANNEL = 200, 6, "kith_events"


@dataclass(frozen=True, slots=True)
class Subscriber:
    name: str
    kinds: frozenset[str]
    handle: Handler
    wanted: Callable[[], bool] = lambda: True


_subscribers: dict[str, Subscriber] = {}


def subscribe(
    name: str, kinds: Iterable[str], handle: Handler, *, wanted: Callable[[], bool] = lambda: True
) -> None:
    """Called in a room's `AppConfig.ready`. `name` is stable: it stands in waiting rows.

    `wanted` says, cheaply, whether anybody listens just now; without a listener no row is written.
    """
    _subscribers[name] = Subscriber(name, frozenset(kinds), handle, wanted)


def record(kind: str, ids: Iterable[uuid.UUID]) -> None:
    """Record that `kind` (past tense: "message_recorded") happened to each id, in the running transaction."""
    wanted = [s.name for s in _subscribers.values() if kind in s.kinds and s.wanted()]
    moment = now()
    rows = [(name, kind, i, moment, 0, None, "", False) for i in ids for name in wanted]
    if rows:
        copy(EventDelivery, _COLUMNS, rows)
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


def _claim(subscriber: Subscriber, size: int) -> list[EventDelivery]:
    return list(
        EventDelivery.objects.select_for_update(skip_locked=True)
        .filter(subscriber=subscriber.name, set_aside=False)
        .exclude(not_before__gt=now())
        .order_by("id")[:size]
    )


def _handle(subscriber: Subscriber, size: int) -> int:
    """Handle up to `size` waiting rows in one transaction; returns how many. Raises what the handler raises."""
    with transaction.atomic():
        rows = _claim(subscriber, size)
        by_kind: dict[str, list[uuid.UUID]] = {}
        for row in rows:
            by_kind.setdefault(row.kind, []).append(row.subject_id)
        for kind, ids in by_kind.items():
            subscriber.handle(kind, list(dict.fromkeys(ids)))
        EventDelivery.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _postpone_first(subscriber: Subscriber, error: Exception) -> None:
    with transaction.atomic():
        for row in _claim(subscriber, 1):
            row.attempts += 1
            row.error = hide_secrets(f"{type(error).__name__}: {error}"[:20_000])[:2000]
            row.not_before = now() + timedelta(seconds=2**row.attempts)
            row.set_aside = row.attempts >= MAX_ATTEMPTS
            row.save()


def pump(*, limit: int = 10_000) -> int:
    """Handle what waits for every subscriber; returns how many rows were handled."""
    done = 0
    for subscriber in list(_subscribers.values()):
        size = BATCH
        while done < limit:
            try:
                count = _handle(subscriber, size)
            except Exception as error:
                log.exception("subscriber %s failed on a batch of %s", subscriber.name, size)
                if size > 1:
                    size = 1
                    continue
                _postpone_first(subscriber, error)
                count = 1
            done += count
            if count < size:
                break
    return done


def pump_forever(stop: threading.Event) -> None:
    """Handle events as they are recorded, until `stop` is set. Any number of processes may do this at once."""
    listening = False
    while not stop.is_set():
        try:
            if not listening:
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                listening = True
            pump()
            for _ in connection.connection.notifies(timeout=2.0, stop_after=1):
                pass
        except Exception:
            log.exception("the event pump lost its database")
            listening = False
            connection.close()
            stop.wait(1.0)


def waiting(subscriber: str | None = None) -> int:
    rows = EventDelivery.objects.filter(set_aside=False)
    return rows.filter(subscriber=subscriber).count() if subscriber else rows.count()
