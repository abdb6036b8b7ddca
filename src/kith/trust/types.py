"""What the gate gives: a Clearance, or the reason why not."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
    """For `kith.trust.services` only; tests/architecture checks that nobody else imports it."""
    return Clearance(decision_id, touch_id, _TOKEN)
