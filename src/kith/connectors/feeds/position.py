"""The cursor of a feed: where it is now, what the server said of its version, and which entries were handed over."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field

KEPT_AFTER_GONE = (
    500  # entries that left the document may come back (a feed that alternates between two states)
)


@dataclass
class Position:
    """JSON in `Page.cursor`. `seen` maps a short hash of an entry's id to that of its content, oldest first."""

    url: str = ""
    etag: str = ""
    modified: str = ""
    seen: dict[str, str] = field(default_factory=dict)
    whole_at: float = 0.0  # when the document was last fetched without conditions
    digest: str = ""  # of the document that `etag` names
    versions_lie: bool = False  # the server gave one ETag to two documents; its 304 means nothing
    lease_until: float = 0.0
    hub: str = ""
    settings_url: str = ""

    @classmethod
    def load(cls, cursor: str, settings_url: str) -> Position:
        """The position; a cursor of another address, or none, begins anew."""
        try:
            data = json.loads(cursor) if cursor else {}
            position = cls(**data)
        except (ValueError, TypeError):
            position = cls()
        return position if position.settings_url == settings_url else cls(settings_url=settings_url)

    def dump(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    def forget_gone(self, present: set[str]) -> None:
        """Keep what the document holds and the latest few that left it."""
        gone = [key for key in self.seen if key not in present]
        for key in gone[: max(0, len(gone) - KEPT_AFTER_GONE)]:
            del self.seen[key]


def short(text: str) -> str:
    """A hash long enough to tell apart the entries of one feed."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
