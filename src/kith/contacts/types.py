"""What `contacts` takes and gives."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

IdentityKey = tuple[str, str, str]  # network, realm, external id


@dataclass(frozen=True, slots=True)
class ObservedIdentity:
    """Somebody as a message showed them. `kind` is one of Identity.Kind."""

    network: str
    external_id: str
    realm: str = ""
    handle: str = ""
    display_name: str = ""
    kind: str = "person"
    profile_url: str = ""
    avatar_url: str = ""
    flags: tuple[str, ...] = ()

    @property
    def key(self) -> IdentityKey:
        return (self.network, self.realm, self.external_id)


@dataclass(frozen=True, slots=True)
class KnownIdentity:
    """An identity as it stands in the database; `contact_id` is the canonical one."""

    id: uuid.UUID
    network: str
    realm: str
    external_id: str
    handle: str
    display_name: str
    kind: str
    contact_id: uuid.UUID | None
    blocked_at: datetime | None
