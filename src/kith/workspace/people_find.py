"""Who may be meant: those who wrote, by those who may read it."""

from __future__ import annotations

import re

from kith.contacts.names import sort_key
from kith.contacts.selectors import IdentityName, identity_names
from kith.contacts.selectors.search import fragments, ids_by_name
from kith.core import sql
from kith.teams.types import Viewer

_ADDRESS = re.compile(r"[^@\s<>,;\"()]{1,64}@[^@\s<>,;\"()]+\.[^@\s<>,;\"()]{2,}")
_SEEN = """
SELECT i.id FROM contacts_identity i WHERE i.id = ANY (%(ids)s) AND i.contact_id IS NULL AND i.kind = 'person' AND EXISTS (
    SELECT 1 FROM conversations_participant p JOIN conversations_messagecopy k ON k.message_id = p.message_id
    WHERE p.identity_id = i.id AND k.scope_id = ANY (%(scopes)s))
"""


def address_of(text: str) -> str:
    """The mail address in a text, in small letters; "" without one."""
    found = _ADDRESS.search(text)
    return found[0].lower() if found else ""


def strangers_find(viewer: Viewer, text: str, *, limit: int = 12) -> list[IdentityName]:
    """Identities of nobody's contact that a fragment means, and that took part in a message which the viewer may see."""
    words = fragments(sort_key(text))
    ids = ids_by_name("i", words, limit * 4)
    if not ids:
        return []
    seen = {row[0] for row in sql.rows(_SEEN, {"ids": ids, "scopes": list(viewer.scope_ids)})}
    names = identity_names(i for i in ids if i in seen)
    return [names[i] for i in ids if i in names][:limit]
