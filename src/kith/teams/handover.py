"""Work that passes to a colleague when somebody leaves: each room above registers what it holds for a user.

A room calls `register` in its `AppConfig.ready`. `count` says how much there is; `move` hands it to a colleague, to a
team, or (both None) to nobody, and returns how much was moved. Both run in the caller's transaction.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Protocol

from kith.teams.models import Team, User


class Count(Protocol):
    def __call__(self, user_id: uuid.UUID) -> int: ...


class Move(Protocol):
    def __call__(self, user: User, *, to_user: User | None, to_team: Team | None) -> int: ...


@dataclass(frozen=True, slots=True)
class Holding:
    """One kind of work: a stable name, its title on screen (lazy), and the two functions."""

    name: str
    title: Any
    count: Count
    move: Move


_holdings: dict[str, Holding] = {}


def register(name: str, title: Any, *, count: Count, move: Move) -> None:
    """Add a kind of work; a second call with the same name replaces the first."""
    _holdings[name] = Holding(name, title, count, move)


def holdings() -> list[Holding]:
    return [_holdings[name] for name in sorted(_holdings)]
