"""What rooms above tell the gate, in their own transaction: who wrote, whose complaint is open, who bought."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from kith.trust.models import Situation

_INBOUND = """
INSERT INTO trust_situation AS s (identity_id, last_inbound_at, last_inbound_automatic, last_inbound_authenticated,
                                  wrote_on, open_case)
SELECT DISTINCT ON (n.id) n.id, n.at, n.automatic, n.authenticated,
       array(SELECT DISTINCT o.channel FROM unnest(%(ids)s::uuid[], %(channels)s::text[]) AS o (id, channel)
             WHERE o.id = n.id ORDER BY 1), ''
FROM unnest(%(ids)s::uuid[], %(at)s::timestamptz[], %(automatic)s::bool[], %(proven)s::bool[])
     AS n (id, at, automatic, authenticated)
ORDER BY n.id, n.at DESC
ON CONFLICT (identity_id) DO UPDATE SET
    last_inbound_at = greatest(s.last_inbound_at, excluded.last_inbound_at),
    last_inbound_automatic = CASE WHEN s.last_inbound_at > excluded.last_inbound_at THEN s.last_inbound_automatic
                                  ELSE excluded.last_inbound_automatic END,
    last_inbound_authenticated = CASE WHEN s.last_inbound_at > excluded.last_inbound_at
                                      THEN s.last_inbound_authenticated ELSE excluded.last_inbound_authenticated END,
    wrote_on = array(SELECT DISTINCT unnest(s.wrote_on || excluded.wrote_on) ORDER BY 1)
WHERE s.last_inbound_at IS NULL OR s.last_inbound_at <= excluded.last_inbound_at
   OR NOT s.wrote_on @> excluded.wrote_on
"""


def situations_note_inbound(rows: Sequence[tuple[uuid.UUID, object, bool, bool, str]]) -> None:
    """Note who wrote to us: (identity, at, automatic, authenticated, channel), the channel as the gate names it."""
    if rows:
        ids, at, automatic, proven, channels = (list(c) for c in zip(*sorted(rows, key=_key), strict=True))
        with connection.cursor() as cursor:
            cursor.execute(
                _INBOUND,
                {"ids": ids, "at": at, "automatic": automatic, "proven": proven, "channels": channels},
            )


def _key(row: tuple[uuid.UUID, object, bool, bool, str]) -> uuid.UUID:
    return row[0]


def situation_open_case(*, identity_ids: Sequence[uuid.UUID], case: str) -> None:
    """That these identities have an open case with us ("normal" or "angry"), or none any more ("")."""
    for key in sorted(identity_ids):
        Situation.objects.update_or_create(identity_id=key, defaults={"open_case": case})


def situation_customer(*, identity_ids: Sequence[uuid.UUID], since: datetime) -> None:
    """That they bought from us."""
    for key in sorted(identity_ids):
        Situation.objects.get_or_create(identity_id=key)
    Situation.objects.filter(identity_id__in=identity_ids, customer_since=None).update(customer_since=since)
