"""What the gate gives: a Clearance, or the reason why not."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kith.policy.file import LIMIT as POLICY_LIMIT
from kith.policy.types import About, Cap, Channel, FactUse, Origin, Pace, Rules

# For rooms above, which may not ask policy: its words, without its function.
__all__ = [
    "POLICY_LIMIT",
    "REMARK_GONE",
    "Cap",
    "Channel",
    "Clearance",
    "GateResult",
    "Pace",
    "Rules",
    "UsedFact",
    "Verdict",
    "make_clearance",
]

_TOKEN = object()


@dataclass(frozen=True, slots=True)
class Clearance:
    """That the gate allowed one touch. Only `trust` can make one: the constructor asks for its own token."""

    decision_id: uuid.UUID
    touch_id: uuid.UUID
    _token: Any = field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self._token is not _TOKEN:
            raise TypeError("a Clearance is made by kith.trust alone")


@dataclass(frozen=True, slots=True)
class UsedFact:
    """A fact that a touch relies on: as `policy` takes it, with the row that it comes from (None: no stored fact)."""

    attribute: str
    origin: Origin
    about: About = "self"
    purposes: tuple[str, ...] = ()
    fact_id: uuid.UUID | None = None
    deleted: bool = False

    def plain(self) -> FactUse:
        return FactUse(self.attribute, self.origin, self.about, self.deleted, frozenset(self.purposes))

    def kept(self) -> dict[str, Any]:
        """As JSON, to be kept with the touch."""
        kept: dict[str, Any] = {
            "attribute": self.attribute,
            "origin": self.origin,
            "about": self.about,
            "purposes": list(self.purposes),
            "fact_id": str(self.fact_id) if self.fact_id else None,
        }
        return kept | {"deleted": True} if self.deleted else kept

    @classmethod
    def again(cls, kept: Mapping[str, Any]) -> UsedFact:
        key = kept.get("fact_id")
        return cls(
            kept["attribute"],
            kept["origin"],
            kept["about"],
            tuple(kept.get("purposes", ())),
            uuid.UUID(key) if key else None,
            bool(kept.get("deleted")),
        )


# What a message answers or quotes, and its author has deleted.
REMARK_GONE = UsedFact("public_remark", "public_post", "self", (), deleted=True).kept()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of one recipient: `outcome` allow, hold or deny, the rule, and a sentence for people."""

    outcome: str
    rule: str
    sentence: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class GateResult:
    """All recipients of one message: cleared together, or none. `verdict` is the worst of them."""

    clearances: tuple[Clearance, ...]
    verdict: Verdict
    touch_ids: tuple[uuid.UUID, ...] = ()

    @property
    def allowed(self) -> bool:
        return bool(self.clearances)


def make_clearance(decision_id: uuid.UUID, touch_id: uuid.UUID) -> Clearance:
    """For `kith.trust.services.gate` only; tests/architecture checks that nobody else imports it."""
    return Clearance(decision_id, touch_id, _TOKEN)
