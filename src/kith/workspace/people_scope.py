"""Who usually sees what is said with a person: for what a colleague writes down about them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from kith.core import sql
from kith.teams.types import Viewer

_SCOPES = """
SELECT s.scope_id, k.kind FROM conversations_conversationscope s JOIN teams_scope k ON k.id = s.scope_id
WHERE s.identity_id = ANY (%(identities)s) AND s.scope_id = ANY (%(scopes)s)
GROUP BY s.scope_id, k.kind ORDER BY max(s.last_at) DESC
"""


def usual_scope(viewer: Viewer, identity_ids: Sequence[uuid.UUID]) -> uuid.UUID | None:
    """The scope of the talk with them that the viewer sees: None (everybody) when some of it is everybody's or there is
    none; else that of the newest."""
    rows = sql.rows(_SCOPES, {"identities": list(identity_ids), "scopes": list(viewer.scope_ids)})
    if not rows or any(kind == "everyone" for _scope, kind in rows):
        return None
    found: uuid.UUID = rows[0][0]
    return found
