"""Tells the gate whose complaint is open: it follows the conversations that were called one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from kith.core import sql
from kith.trust.services import situation_open_case

_OPEN = """
SELECT DISTINCT c.identity_id, EXISTS (
    SELECT 1 FROM conversations_conversation o WHERE o.identity_id = c.identity_id AND o.complaint
    AND o.status <> 'closed' AND o.joined_into_id IS NULL), coalesce(s.open_case, '')
FROM conversations_conversation c LEFT JOIN trust_situation s ON s.identity_id = c.identity_id
WHERE c.id = ANY (%(ids)s) AND c.identity_id IS NOT NULL AND (c.complaint OR s.open_case = 'angry')
"""


def complaints_follow(conversation_ids: Iterable[uuid.UUID]) -> None:
    """After these conversations were changed: an open complaint is an angry case, a closed one is none."""
    for identity_id, angry, known in sql.rows(_OPEN, {"ids": list(conversation_ids)}):
        case = "angry" if angry else "" if known == "angry" else known
        if case != known:
            situation_open_case(identity_ids=[identity_id], case=case)
