"""The gate asked about a whole list, before anything is written: who would get it, who is held, who not, and why."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from kith.base.clock import now
from kith.policy.decide import decide
from kith.policy.types import Decision
from kith.trust.gather import CHUNK, gather
from kith.trust.services.gate import TouchRequest, proposed_of

Surveyed = tuple[uuid.UUID, str, str, dict[str, str], datetime | None]


def survey(request: TouchRequest, *, moment: datetime | None = None) -> Iterator[list[Surveyed]]:
    """What the gate would say of each identity of the request: (identity, outcome, rule, values, until), 10,000 at a time.

    Writes nothing, and locks nobody: what is sent is asked about again.
    """
    moment = moment or now()
    proposed = proposed_of(request)
    named = {name: replace(proposed, name_used=name) for name in set(request.names.values())}
    for start in range(0, len(request.identity_ids), CHUNK):
        ids: Sequence[uuid.UUID] = request.identity_ids[start : start + CHUNK]
        gathered = gather(ids, moment=moment)
        found: list[Surveyed] = []
        for key in ids:
            asked = named[request.names[key]] if key in request.names else proposed
            said: Decision = decide(asked, gathered.facts[key], gathered.rules, moment)
            found.append((key, said.outcome, said.rule, said.values, said.until))
        yield found
