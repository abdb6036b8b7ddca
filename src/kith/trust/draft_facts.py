"""Which of the things that we know of somebody a draft makes use of, and which of them they never told us."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kith.base.clock import now
from kith.base.mentions import draft_read, mention
from kith.contacts.models import Fact
from kith.core.objects import objects
from kith.policy.types import SENSITIVE
from kith.trust.facts_used import used_fact
from kith.trust.types import UsedFact

# How somebody is called and in which language one writes to them is no remark about them.
UNREMARKABLE = frozenset(
    {"name", "given_name", "family_name", "preferred_name", "language", "time_zone", "country"}
)
MOST = 12
_PEOPLE = """
SELECT DISTINCT a.id FROM contacts_identity i JOIN contacts_contact c ON c.id = i.contact_id
JOIN contacts_contact a ON a.canonical_id = c.canonical_id WHERE i.id = ANY (%(ids)s)
"""
_FACTS = (
    f"r.contact_id IN ({_PEOPLE}) AND (r.scope_id IS NULL OR r.scope_id = ANY (%(scopes)s)) AND r.retracted_at IS NULL "
    "AND (r.expires_at IS NULL OR r.expires_at > %(now)s) AND r.attribute <> ALL (%(left_out)s) "
    "ORDER BY r.observed_at DESC, r.id DESC LIMIT 400"
)


@dataclass(frozen=True, slots=True)
class DraftFact:
    """A fact that the draft uses. `words`: those of the draft; `told`: by themselves; `used`: as the gate is asked."""

    id: uuid.UUID
    attribute: str
    value: Any
    words: str
    source: str
    source_text: str
    quote: str
    at: datetime
    told: bool
    sensitive: bool
    used: UsedFact


def facts_in_draft(
    identity_ids: Sequence[uuid.UUID], scope_ids: Collection[uuid.UUID], text: str
) -> tuple[DraftFact, ...]:
    """The standing facts (that these scopes may see) about the owners of identities which the text makes use of, what they
    never told us first. One statement; none for an empty text."""
    if not text.strip() or not identity_ids:
        return ()
    given = {
        "ids": list(identity_ids),
        "scopes": list(scope_ids),
        "now": now(),
        "left_out": sorted(UNREMARKABLE),
    }
    draft, found, seen = draft_read(text), [], set()
    for fact in objects(Fact, _FACTS, given):
        shown = fact.value if isinstance(fact.value, str) else str(fact.value)
        used = used_fact(fact)
        sensitive = used.attribute.partition(".")[0].casefold() in SENSITIVE
        words = mention(shown, draft, loose=sensitive)
        key = (fact.attribute, shown.casefold())
        if not words or key in seen:
            continue
        seen.add(key)
        found.append(
            DraftFact(
                id=fact.pk,
                attribute=fact.attribute,
                value=fact.value,
                words=words,
                source=fact.source,
                source_text=str(fact.get_source_display()),
                quote=fact.quote,
                at=fact.observed_at,
                told=used.origin == "told_us",
                sensitive=sensitive,
                used=used,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.told, not one.sensitive))[:MOST])
