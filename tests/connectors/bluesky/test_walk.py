"""Reading newest-first lists: nothing lost, nothing repeated, oldest first, whatever happens in between."""

from __future__ import annotations

import json
import random
from dataclasses import asdict

from hypothesis import given, settings
from hypothesis import strategies as st

from kith.connectors.bluesky.walk import WINDOW, Entry, Walk


class Listing:
    """A list on a server: keyset addresses, newest first."""

    def __init__(self, size: int) -> None:
        self.entries: list[Entry] = []
        self.size = size
        self.reads = 0

    def add(self, count: int) -> None:
        for _ in range(count):
            number = len(self.entries)
            # Three share a second, as they do where many speak at once.
            self.entries.append(Entry(f"e{number}", 1000.0 + number / 3, {}))

    def read(self, address: str) -> tuple[list[Entry], str]:
        self.reads += 1
        below = int(address) if address else len(self.entries)
        page = self.entries[max(0, below - self.size) : below][::-1]
        return page, str(below - len(page)) if page else ""


@settings(max_examples=150, deadline=None)
@given(
    arrivals=st.lists(st.integers(0, 60), min_size=1, max_size=8),
    size=st.integers(1, 9),
    limit=st.integers(1, 12),
    seed=st.integers(0, 9999),
)
def test_everything_comes_once_and_in_order(arrivals: list[int], size: int, limit: int, seed: int) -> None:
    chance = random.Random(seed)
    listing, found = Listing(size), list[str]()
    cursor = json.dumps(asdict(Walk()))
    queue = list(arrivals)
    for _ in range(5000):
        if queue and chance.random() < 0.5:
            listing.add(queue.pop(0))
        walk = Walk(**json.loads(cursor))
        entries, more = walk.step(listing.read, limit=limit)
        assert len(entries) <= limit
        if chance.random() < 0.2:
            continue  # the process died: the page and its cursor are lost together
        found += [entry.key for entry in entries]
        cursor = json.dumps(asdict(walk))
        if not more and not queue and len(found) == len(listing.entries):
            break
    assert found == [entry.key for entry in listing.entries]
    walk = Walk(**json.loads(cursor))
    assert walk.step(listing.read, limit=limit) == ([], False)


def test_a_large_backlog_is_read_in_proportion() -> None:
    listing = Listing(50)
    listing.add(4 * WINDOW)
    walk, found, more = Walk(), list[str](), True
    while more:
        entries, more = walk.step(listing.read, limit=50)
        found += [entry.key for entry in entries]
    assert found == [entry.key for entry in listing.entries]
    assert listing.reads <= 3 * (4 * WINDOW // 50) + 3
    assert len(walk.seen) <= WINDOW
    assert len(json.dumps(asdict(walk))) < 20_000


def test_history_begins_at_the_floor() -> None:
    listing = Listing(10)
    listing.add(300)
    walk, found, more = Walk(floor=1000.0 + 290 / 3), list[str](), True
    while more:
        entries, more = walk.step(listing.read, limit=10)
        found += [entry.key for entry in entries]
    assert found == [f"e{number}" for number in range(290, 300)]
    assert listing.reads < 8


def test_an_entry_filed_under_an_earlier_time_is_found() -> None:
    listing = Listing(10)
    listing.add(30)
    walk, more = Walk(), True
    while more:
        _, more = walk.step(listing.read, limit=10)
    listing.entries.insert(27, Entry("late", listing.entries[27].at - 0.1, {}))
    entries, _ = walk.step(listing.read, limit=10)
    assert [entry.key for entry in entries] == ["late"]


def test_a_walk_begun_anew_loses_and_repeats_nothing() -> None:
    listing = Listing(5)
    listing.add(40)
    walk, found, more, turns = Walk(), list[str](), True, 0
    while more:
        entries, more = walk.step(listing.read, limit=5)
        found += [entry.key for entry in entries]
        turns += 1
        if turns in (2, 5):
            listing.add(7)
            walk.begin_anew()
    assert found == [entry.key for entry in listing.entries]
