"""Facts that a touch relies on: told to the gate when it is planned, and looked at again when it is due."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kith.base.clock import now
from kith.contacts.models import Fact
from kith.policy.types import About, FactUse, Origin
from kith.trust.types import UsedFact

ORIGINS: dict[str, Origin] = {
    Fact.Source.TOLD_US: "told_us",
    Fact.Source.FORM: "told_us",
    Fact.Source.MESSAGE: "told_us",
    Fact.Source.PROFILE: "public_post",
    Fact.Source.PUBLIC_POST: "public_post",
    Fact.Source.PURCHASE: "purchase",
    Fact.Source.COLLEAGUE: "third_party",
    Fact.Source.IMPORT: "third_party",
    Fact.Source.INFERRED: "inferred",
}


def used_facts(fact_ids: Sequence[uuid.UUID]) -> tuple[UsedFact, ...]:
    """The facts that a draft uses, as the gate is asked about them, in the order given; unknown ones are left out."""
    rows = {fact.pk: fact for fact in Fact.objects.filter(pk__in=fact_ids)}
    return tuple(used_fact(rows[key]) for key in fact_ids if key in rows)


def used_fact(fact: Fact) -> UsedFact:
    about: About = fact.about if fact.about in ("self", "gift") else "unknown"  # type: ignore[assignment]
    return UsedFact(
        attribute=fact.sensitivity or fact.attribute,
        origin=ORIGINS.get(fact.source, "third_party"),
        about=about,
        purposes=tuple(fact.purposes),
        fact_id=fact.pk,
        deleted=_gone(fact),
    )


def _gone(fact: Fact) -> bool:
    return fact.retracted_at is not None or (fact.expires_at is not None and fact.expires_at < now())


def uses_now(kept: Iterable[Mapping[str, Any]]) -> tuple[FactUse, ...]:
    """Stored uses, as they stand now: what was retracted, forgotten or deleted with its source meanwhile is gone."""
    used = [UsedFact.again(row) for row in kept]
    ids = [one.fact_id for one in used if one.fact_id is not None]
    standing = {fact.pk for fact in Fact.objects.filter(pk__in=ids) if not _gone(fact)} if ids else set()
    return tuple(
        FactUse(
            one.attribute,
            one.origin,
            one.about,
            one.deleted or (one.fact_id is not None and one.fact_id not in standing),
            frozenset(one.purposes),
        )
        for one in used
    )
