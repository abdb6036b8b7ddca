"""All monitors at once: the words of a post find the few queries that could match, and only those are decided.

Every query is filed under one group of words of which each matching text has at least one: of an AND the rarest, of an OR all
branches. A post is taken apart once, its words are looked up, and nearly always nothing more is to do. What a word
leads to is remembered, wildcards and folding included, since a stream's words repeat.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile
from typing import Final

from kith.queries.compiled import PART, PREFIX, SIGNED, WORD, Atoms, Check, Seen, check, hoped, needs
from kith.queries.fold import fold
from kith.queries.nodes import Post, Query, Span

Found = tuple[int, Hashable, list[Span]]
Labels = tuple[str, tuple[str, ...]]
Label = Callable[[Sequence[str]], Sequence[Labels]]
"""The sentiment and the intents of each text."""

MOST_REMEMBERED: Final = 400_000
MOST_COUNTED: Final = 200_000
SAMPLE: Final = 16
"""Of so many posts one is counted, to learn which words are rare."""
_SPACES: Final = "".join(chr(code) if chr(code).isalnum() or chr(code) == "_" else " " for code in range(128))
AT_ONCE: Final = 200
"""So many queries are filed anew at once, lest a stream wait for all of them."""


class _Gaps(dict[int, str]):
    """Everything but letters of spaced scripts made a space."""

    def __missing__(self, code: int) -> str:
        found = self[code] = chr(code) if WORD.match(chr(code)) else " "
        return found


_GAPS: Final = _Gaps()


def words_of(folded: str) -> list[str]:
    """The words of spaced scripts, in order."""
    return folded.translate(_SPACES if folded.isascii() else _GAPS).split()


@dataclass(slots=True, eq=False)
class _Monitor:
    key: Hashable
    number: int
    query: Query
    check: Check
    hoped: Check | None
    filed: Atoms = frozenset()


_Few = tuple[_Monitor, ...]


class _Words(dict[str, _Few | None]):
    """What is filed under a word of a spaced script, by any of its beginnings too."""

    def __init__(self, filed: dict[str, dict[int, _Monitor]], prefixes: dict[int, int]) -> None:
        super().__init__()
        self.filed, self.prefixes = filed, prefixes

    def __missing__(self, word: str) -> _Few | None:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        found = [*self.filed.get(word, {}).values()]
        for length in self.prefixes:
            if length <= len(word) and (more := self.filed.get(PREFIX + word[:length])):
                found += more.values()
        self[word] = few = tuple(found) or None
        return few


class Matcher:
    """Queries under keys, added and removed while it runs; not for several threads at once."""

    def __init__(self, label: Label | None = None) -> None:
        """`label` tells mood and intents of texts; asked only about posts without them that match otherwise."""
        self._label = label
        self._monitors: dict[Hashable, _Monitor] = {}
        self._number = 0
        self._filed: dict[str, dict[int, _Monitor]] = {}
        self._prefixes: dict[int, int] = {}
        self._pairs: set[tuple[str, str]] = set()
        self._signs = 0
        self._parts: dict[str, set[str]] = {}
        self._loose: dict[int, _Monitor] = {}
        self._words = _Words(self._filed, self._prefixes)
        self._counts: dict[str, int] = {}
        self._ordered: list[str] = []
        self._posts, self._sort_at = 0, 1_000
        self._unsorted: list[Hashable] = []

    def __len__(self) -> int:
        return len(self._monitors)

    def add(self, key: Hashable, query: Query) -> None:
        """From the next post on; in place of what this key stood for."""
        self.remove(key)
        node = query.node
        later = check(hoped(node)) if query.asks_meaning else None
        monitor = self._monitors[key] = _Monitor(key, self._number, query, check(node), later)
        self._number += 1
        self._file(monitor, self._atoms(monitor))

    def remove(self, key: Hashable) -> None:
        monitor = self._monitors.pop(key, None)
        if monitor:
            self._unfile(monitor)

    def _atoms(self, monitor: _Monitor) -> Atoms:
        found = needs(hoped(monitor.query.node), self._cost)
        return found[1] if found else frozenset()

    def _file(self, monitor: _Monitor, atoms: Atoms) -> None:
        monitor.filed = atoms
        if not atoms:
            self._loose[monitor.number] = monitor
        for atom in atoms:
            under = self._filed.get(atom)
            if under is None:
                under = self._filed[atom] = {}
                self._known(atom, new=True)
            under[monitor.number] = monitor
            self._forget(atom)

    def _unfile(self, monitor: _Monitor) -> None:
        self._loose.pop(monitor.number, None)
        for atom in monitor.filed:
            under = self._filed[atom]
            del under[monitor.number]
            if not under:
                del self._filed[atom]
                self._known(atom, new=False)
            self._forget(atom)

    def _known(self, atom: str, *, new: bool) -> None:
        if " " in atom:
            first, second = atom.split(" ")
            (self._pairs.add if new else self._pairs.discard)((first, second))
        elif atom[0] == PREFIX:
            _count(self._prefixes, len(atom) - 1, 1 if new else -1)
        elif atom[0] in "#@":
            self._signs += 1 if new else -1
        elif atom[0] == PART:
            parts = self._parts.setdefault(atom[1], set())
            (parts.add if new else parts.discard)(atom[1:])
            if not parts:
                del self._parts[atom[1]]

    def _forget(self, atom: str) -> None:
        if atom[0] == PREFIX:
            self._words.clear()
        else:
            self._words.pop(atom, None)

    def _cost(self, atom: str) -> float:
        """How often a post has this, as far as is known; before that, short words are taken for the common ones."""
        guess = 1 / (1 + len(atom))
        counts = self._counts
        if " " in atom:
            return min(counts.get(word, 0) for word in atom.split(" ")) / 16 + guess
        if atom[0] == PREFIX:
            beginning = atom[1:]
            row = islice(self._ordered, bisect_left(self._ordered, beginning), None)
            return (
                sum(counts.get(word, 0) for word in takewhile(lambda word: word.startswith(beginning), row))
                + guess
            )
        return counts.get(atom, 0) + guess

    def _parts_in(self, text: str) -> list[_Few]:
        """What is filed under something that stands anywhere in this."""
        firsts = self._parts
        if firsts.keys().isdisjoint(text):
            return []
        here = [part for first in firsts.keys() & set(text) for part in firsts[first] if part in text]
        return [tuple(self._filed[PART + part].values()) for part in here]

    def match(self, posts: Sequence[Post]) -> list[Found]:
        """What matches, by posts as they come and monitors as they were added: (post's index, key, spans)."""
        found: list[_Hit] = []
        unsure: dict[int, list[_Monitor]] = {}
        words_get, filed, loose = self._words.__getitem__, self._filed, self._loose
        pairs, signs, parts = self._pairs, self._signs, self._parts
        for index, post in enumerate(posts):
            text = post.text
            if text.isascii():
                folded = text.lower()
                words = folded.translate(_SPACES).split()
            else:
                folded = fold(text)
                words = words_of(folded)
            few: list[_Few] = list(filter(None, map(words_get, words)))
            if pairs and (some := pairs.intersection(pairwise(words))):
                few += [tuple(filed[f"{one} {other}"].values()) for one, other in some]
            if signs and ("#" in folded or "@" in folded):
                few += [tuple(filed[one].values()) for one in filed.keys() & SIGNED.findall(folded)]
            if parts:
                few += self._parts_in(folded)
            if few or loose:
                could = set().union(*few, loose.values()) if loose else set().union(*few)
                self._decide(index, Seen(post, folded, set(words)), could, found, unsure)
        if unsure:
            self._ask(posts, unsure, found)
        self._learn(posts)
        found.sort(key=_order)
        return [(index, key, spans) for index, _, key, spans in found]

    def _decide(
        self,
        index: int,
        seen: Seen,
        could: set[_Monitor],
        found: list[_Hit],
        unsure: dict[int, list[_Monitor]],
    ) -> None:
        unknown = self._label is not None and seen.post.sentiment is None
        for monitor in could:
            if unknown and monitor.hoped:
                if monitor.hoped.true(seen):
                    unsure.setdefault(index, []).append(monitor)
            elif monitor.check.true(seen):
                found.append((index, monitor.number, monitor.key, _spans(monitor.check, seen)))

    def _ask(self, posts: Sequence[Post], unsure: dict[int, list[_Monitor]], found: list[_Hit]) -> None:
        """Mood and intents, in one go for all posts that hang on them."""
        assert self._label
        labels = self._label([posts[index].text for index in unsure])
        for (index, monitors), (sentiment, intents) in zip(unsure.items(), labels, strict=True):
            post = posts[index]._replace(sentiment=sentiment, intents=intents)
            folded = fold(post.text)
            seen = Seen(post, folded, set(words_of(folded)))
            for monitor in monitors:
                if monitor.check.true(seen):
                    found.append((index, monitor.number, monitor.key, _spans(monitor.check, seen)))

    def _learn(self, posts: Sequence[Post]) -> None:
        """Counts the words of a few posts, and now and then files the queries under what turned out to be rare."""
        counts = self._counts
        for post in posts[-self._posts % SAMPLE :: SAMPLE]:
            folded = fold(post.text)
            for word in {*words_of(folded), *SIGNED.findall(folded)}:
                counts[word] = counts.get(word, 0) + 1
        self._posts += len(posts)
        if len(counts) > MOST_COUNTED:
            self._counts = {word: count // 2 for word, count in counts.items() if count > 1}
        if self._posts >= self._sort_at:
            self._sort_at *= 4
            self._ordered = sorted(self._counts)
            self._unsorted = list(self._monitors)
        for key in self._unsorted[-AT_ONCE:]:
            monitor = self._monitors.get(key)
            if monitor and (atoms := self._atoms(monitor)) != monitor.filed:
                self._unfile(monitor)
                self._file(monitor, atoms)
        del self._unsorted[-AT_ONCE:]


_Hit = tuple[int, int, Hashable, list[Span]]


def _order(hit: _Hit) -> tuple[int, int]:
    return hit[:2]


def _count(counts: dict[int, int], what: int, by: int) -> None:
    counts[what] = counts.get(what, 0) + by
    if not counts[what]:
        del counts[what]


def _spans(of: Check, seen: Seen) -> list[Span]:
    hits: set[Span] = set()
    of.add(seen, hits)
    return seen.spans(hits)
