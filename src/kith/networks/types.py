"""Who we are on a network, as the rooms above hand it down; who may see; what of a mailbox comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from kith.teams.models import Team, User


@dataclass(frozen=True, slots=True)
class Own:
    """What the network says that we are, after really connecting."""

    external_id: str
    address: str = ""
    display_name: str = ""
    realm: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may see: everyone, some teams, or one person."""

    kind: Literal["everyone", "teams", "private"] = "everyone"
    teams: Sequence[Team] = ()
    owner: User | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """What becomes a conversation, and how far back history goes (None: everything there is)."""

    policy: Literal["all", "known", "label"] = "all"
    label: str = ""
    history_since: datetime | None = None
