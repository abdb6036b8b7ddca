"""Reading a newest-first list without losing what came in between, oldest first, crash safe.

The list is walked down to what is known, remembering the address of each page (`trail`), and handed over page by page
from the deepest up. What is known is a window of the latest entries handed over, by hash; whatever is older than that
window (`floor`) counts as known. An entry that the network files under an earlier time than it came is found while
that time lies within the first page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

WINDOW = 500
MAX_READS = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """One element of a list: its id, its place in time (seconds since 1970), and the element itself."""

    key: str
    at: float
    value: dict[str, Any]


Reader = Callable[
    [str], tuple[list[Entry], str]
]  # page address ("" the newest) -> entries newest first, next address


@dataclass
class Walk:
    """The JSON part of a cursor."""

    seen: dict[str, int] = field(default_factory=dict)
    floor: float = 0.0
    trail: list[str] = field(default_factory=list)
    descending: bool = False  # the deepest page of the trail is not yet the last one with news
    joint: str = (
        ""  # the last entry of the newest page when we went below it; still there: nothing slipped between
    )

    def step(self, read: Reader, *, limit: int) -> tuple[list[Entry], bool]:
        """Up to `limit` new entries, oldest first, and whether there are more. Changes the walk's own state only."""
        found: list[Entry] = []
        for _ in range(MAX_READS):
            address = self.trail[-1] if self.trail else ""
            entries, following = read(address)
            at_top = not self.trail
            slipped = self.joint not in {short(entry.key) for entry in entries}
            go_on = slipped if at_top else self.descending
            if go_on and following and not self._reaches_known(entries):
                if at_top:
                    self.joint = short(entries[-1].key)
                self.trail.append(following)
                self.descending = True
                continue
            self.descending = False
            fresh = self._fresh(entries)
            room = limit - len(found)
            found += fresh[:room]
            self._know(fresh[:room])
            if len(fresh) > room:
                return found, True
            if at_top:
                self.joint = ""
                return found, False
            self.trail.pop()
            if len(found) == limit:
                return found, True
        return found, True

    def begin_anew(self) -> None:
        """Forget where in the list we were, but not what was handed over."""
        self.trail, self.descending, self.joint = [], False, ""

    def _reaches_known(self, entries: list[Entry]) -> bool:
        return not entries or any(entry.at < self.floor or short(entry.key) in self.seen for entry in entries)

    def _fresh(self, entries: list[Entry]) -> list[Entry]:
        fresh: dict[str, Entry] = {}
        for entry in reversed(entries):
            if entry.at >= self.floor and short(entry.key) not in self.seen:
                fresh.setdefault(entry.key, entry)
        return list(fresh.values())

    def _know(self, entries: list[Entry]) -> None:
        for entry in entries:
            self.seen[short(entry.key)] = int(entry.at)
        if len(self.seen) > WINDOW:
            order = sorted(self.seen, key=lambda key: self.seen[key])
            for key in order[: len(order) - WINDOW]:
                # One second more, since times are kept in whole seconds: what shares that second stays known.
                self.floor = max(self.floor, self.seen.pop(key) + 1.0)


def short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
