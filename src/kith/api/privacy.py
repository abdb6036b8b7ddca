"""What this room forgets of people: answers that it would repeat."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from kith.api.models import IdempotentAnswer
from kith.core.registry import on_erased


def register() -> None:
    on_erased(_forget)


def _forget(ids: Sequence[uuid.UUID], words: Sequence[str]) -> None:
    for word in words:
        IdempotentAnswer.objects.filter(body__icontains=word).delete()
