"""What was read in a message, and how we know: for whoever may see the message."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kith.teams.types import Viewer
from kith.understanding.labels import READS
from kith.understanding.models import Annotation, Correction


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said of a field, and what stood there before."""

    field: str
    value: Any
    before: Any
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of one message. `sure`: the mood is shown as such. `reads`: its language is one whose mood we read."""

    message_id: uuid.UUID
    row: Annotation
    said: tuple[Said, ...]

    @property
    def sure(self) -> bool:
        return "unsure" not in self.row.labels

    @property
    def by_field(self) -> dict[str, Said]:
        """What people said, by field."""
        return {said.field: said for said in self.said}

    @property
    def reads(self) -> bool:
        return self.row.language in READS


def annotations_of(message_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Annotation]:
    """What was read in these messages, which the caller has checked to be seen. One query."""
    rows = Annotation.objects.filter(message_id__in=list(message_ids), state="read")
    return {row.message_id: row for row in rows}


def readings_of(viewer: Viewer, message_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Reading]:
    """The readings of those of these messages that the viewer may see and that were read. Two queries."""
    rows = list(
        Annotation.objects.filter(
            message_id__in=list(message_ids),
            message__copies__scope_id__in=viewer.scope_ids,
            message__deleted_upstream_at__isnull=True,
        ).distinct()
    )
    digests = {row.message_id: row.digest for row in rows}
    said: dict[uuid.UUID, list[Said]] = {}
    corrections = Correction.objects.filter(message_id__in=list(digests), undone_at__isnull=True)
    for row in corrections.select_related("by").order_by("created_at"):
        if row.digest == digests[row.message_id]:
            who = row.by.name if row.by else ""
            said.setdefault(row.message_id, []).append(
                Said(row.field, row.value, row.before, who, row.created_at)
            )
    return {row.message_id: Reading(row.message_id, row, tuple(said.get(row.message_id, ()))) for row in rows}
