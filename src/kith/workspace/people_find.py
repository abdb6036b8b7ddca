"""Who may be meant: those who wrote, by those who may read it."""

from __future__ import annotations

import re
from collections.abc import Collection

from kith.contacts.names import sort_key
from kith.contacts.selectors import IdentityName, identity_names
from kith.contacts.selectors.search import fragments, identities_named, ids_by_name
from kith.conversations.selectors import identities_seen
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


def recipients_find(
    viewer: Viewer, text: str, networks: Collection[str], *, limit: int = 8
) -> list[IdentityName]:
    """Identities of some networks to write to, that a fragment of a name, handle or address means; blocked ones are none."""
    ids = identities_named(text)
    if not ids or not networks:
        return []
    rows = (
        identities_seen(viewer).filter(pk__in=ids, network__in=networks, blocked_at=None).exclude(kind="us")
    )
    seen = set(rows.values_list("pk", flat=True))
    names = identity_names([i for i in ids if i in seen][:limit])
    return [names[i] for i in ids if i in names]
