"""What an upper room reads in messages, kept as words beside them, so that lists show and filter it at no cost."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from kith.conversations.services.refresh import messages_refresh
from kith.core import sql

_LABEL = """
UPDATE conversations_message m SET labels = string_to_array(w.labels, ' ')
FROM unnest(%(ids)s::uuid[], %(labels)s::text[]) AS w (id, labels)
WHERE m.id = w.id AND m.labels IS DISTINCT FROM string_to_array(w.labels, ' ')::varchar[]
  AND m.deleted_upstream_at IS NULL
RETURNING m.id
"""


def messages_label(labels: Mapping[uuid.UUID, Sequence[str]]) -> list[uuid.UUID]:
    """Give messages these labels in place of those that they had; returns the ids of those that changed.

    The caller has locked them. The rows of the inbox follow, in each scope what is said in it (law 4).
    """
    if not labels:
        return []
    given = {"ids": list(labels), "labels": [" ".join(found) for found in labels.values()]}
    changed = [row[0] for row in sql.prepared(_LABEL, given)]
    messages_refresh(changed)
    return changed
