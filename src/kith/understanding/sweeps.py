"""Walks over all messages, newest first: the first reading of a house, a new model or rule, new names.

A walk is a row. Each batch is read and written with how far it has come in one transaction, so that a killed worker
loses nothing and repeats nothing; the next job goes on from there.
"""

from __future__ import annotations

import time
import uuid

from django.db import transaction
from django.db.models import Q, QuerySet

from kith.base.clock import now
from kith.base.ids import new_id
from kith.conversations.models import Message
from kith.core.jobs import defer
from kith.understanding.labels import RULES
from kith.understanding.models import Annotation, Sweep
from kith.understanding.preferences import OFF, chosen
from kith.understanding.services.annotate import (
    BATCH,
    READ,
    has_best,
    messages_annotate,
    messages_relabel,
    product_annotator,
)
from kith.understanding.types import Annotator, Tier

SPENT = 20.0  # seconds of one job; the next goes on


def _version(annotator: Annotator, tier: Tier) -> str:
    if tier == "best" and not has_best(annotator):
        return ""
    return annotator(["."], tier=tier)[0].model[:80]


def version_now(annotator: Annotator = product_annotator) -> str:
    """What all readings should be of: both tiers' models, the rules, and the choice of tiers."""
    return f"{_version(annotator, 'fast')} {_version(annotator, 'best')} rules {RULES} {chosen()}"[:200]


def sweep_due(annotator: Annotator = product_annotator) -> Sweep | None:
    """The walk that brings everything up to date; a new one where models, rules or the choice have changed."""
    if chosen() == OFF:
        return None
    version = version_now(annotator)
    row, made = Sweep.objects.get_or_create(
        kind="read", version=version, defaults={"total": _wanted().count()}
    )
    if made:
        Sweep.objects.filter(kind="read", finished_at__isnull=True).exclude(pk=row.pk).delete()
    return row if row.finished_at is None else None


def names_changed() -> None:
    """Look through all that was read for today's names, and begin again where one walks already."""
    from kith.understanding.jobs import walk

    Sweep.objects.filter(kind="names").delete()
    total = Annotation.objects.filter(state="read").count()
    Sweep.objects.create(kind="names", version=str(new_id()), total=total)
    defer(walk, key="understanding.walk")


def sweep_go_on(
    sweep_id: uuid.UUID, *, annotator: Annotator = product_annotator, spend: float = SPENT
) -> bool:
    """Go on with a walk for so many seconds; returns whether it has come to its end."""
    until = time.monotonic() + spend
    while True:
        with transaction.atomic():
            sweep = Sweep.objects.select_for_update(skip_locked=True).filter(pk=sweep_id).first()
            if sweep is None or sweep.finished_at is not None:
                return sweep is not None
            ids = _next(sweep)
            if not ids:
                sweep.finished_at = now()
                sweep.save(update_fields=["finished_at"])
                return True
            if sweep.kind == "names":
                messages_relabel(ids)
            else:
                _read(ids, annotator)
            sweep.below, sweep.done = ids[-1], sweep.done + len(ids)
            sweep.save(update_fields=["below", "done"])
        if time.monotonic() >= until:
            return False


def _read(ids: list[uuid.UUID], annotator: Annotator) -> None:
    """What is not read yet, or by another model than today's, is read; the rest is left."""
    models = {_version(annotator, "fast"), _version(annotator, "best")}
    other = Annotation.objects.filter(message_id__in=ids).exclude(model__in=[*models, ""])
    old = set(other.values_list("message_id", flat=True))
    messages_annotate([i for i in ids if i in old], annotator=annotator, again=True)
    messages_annotate([i for i in ids if i not in old], annotator=annotator)


def _next(sweep: Sweep) -> list[uuid.UUID]:
    rows = _wanted()
    if sweep.kind == "names":
        rows = rows.filter(annotation__state="read")
    if sweep.below is not None:
        rows = rows.filter(pk__lt=sweep.below)
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:BATCH])


def _wanted() -> QuerySet[Message]:
    return Message.objects.filter(
        Q(direction="in") | Q(direction="out"), automatic__in=READ, deleted_upstream_at__isnull=True
    )


def running() -> list[Sweep]:
    """Walks that have not come to their end."""
    return list(Sweep.objects.filter(finished_at__isnull=True).order_by("created_at"))
