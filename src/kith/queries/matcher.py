"""All monitors at once: the words of a post find the few queries that could match, and only those are decided.

Every query is filed under one group of words of which each matching text has at least one: of an AND the rarest, of an OR all
branches. A post is taken apart once, its words are looked up, and nearly always nothing more is to do. What a word
leads to is remembered, wildcards and folding included, since a stream's words repeat.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from kith.queries.compiled import PART, PREFIX, WORD, Check, Groups, Seen, check, hoped, needs
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
_LONGEST: Final = 40
"""Longer pieces of a text hardly come twice, and are not remembered."""


@dataclass(slots=True, eq=False)
class _Monitor:
    key: Hashable
    number: int
    check: Check
    hoped: Check | None
    groups: Groups
    sure: Groups
    """Those of whole words alone, decided by a look."""
    filed: frozenset[str] = field(default_factory=frozenset)


_Few = tuple[_Monitor, ...]


class _Words(dict[str, _Few | None]):
    """What is filed under a word of a spaced script, by any of its beginnings too."""

    def __init__(self, matcher: Matcher) -> None:
        super().__init__()
        self.of = matcher

    def __missing__(self, word: str) -> _Few | None:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        filed = self.of.filed
        found = list(filed.get(word, {}).values())
        for length in self.of.prefixes:
            if length <= len(word) and (more := filed.get(PREFIX + word[:length])):
                found += more.values()
        self[word] = few = tuple(found) or None
        return few


class _Pieces(dict[str, _Few | None]):
    """The same for what stands between white space, as it stands there."""

    def __init__(self, matcher: Matcher) -> None:
        super().__init__()
        self.of = matcher

    def __missing__(self, piece: str) -> _Few | None:
        folded = fold(piece)
        words = self.of.words
        found = [one for word in WORD.findall(folded) for one in words[word] or ()]
        found += self.of.parts_in(folded)
        few = tuple(found) or None
        if len(piece) <= _LONGEST:
            if len(self) >= MOST_REMEMBERED:
                self.clear()
            self[piece] = few
        return few


class Matcher:
    """Queries under keys, added and removed while it runs; not for several threads at once."""

    def __init__(self, label: Label | None = None) -> None:
        """`label` tells mood and intents of texts; asked only about posts without them that match otherwise."""
        self._label = label
        self._monitors: dict[Hashable, _Monitor] = {}
        self._number = 0
        self.filed: dict[str, dict[int, _Monitor]] = {}
        self.prefixes: dict[int, int] = {}
        self._parts: dict[str, dict[str, int]] = {}
        self._loose: dict[int, _Monitor] = {}
        self.words = _Words(self)
        self._pieces = _Pieces(self)
        self._counts: dict[str, int] = {}
        self._ordered: list[str] | None = None
        self._posts, self._sort_at = 0, 2_000

    def __len__(self) -> int:
        return len(self._monitors)

    def add(self, key: Hashable, query: Query) -> None:
        """From the next post on; in place of what this key stood for."""
        self.remove(key)
        node = query.node
        groups = needs(hoped(node))
        monitor = _Monitor(
            key,
            self._number,
            check(node),
            check(hoped(node)) if query.asks_meaning else None,
            groups,
            [group for group in groups if not any(atom[0] in (PART, PREFIX) for atom in group)],
        )
        self._number += 1
        self._monitors[key] = monitor
        self._file(monitor)

    def remove(self, key: Hashable) -> None:
        monitor = self._monitors.pop(key, None)
        if monitor:
            self._unfile(monitor)

    def _file(self, monitor: _Monitor) -> None:
        if not monitor.groups:
            self._loose[monitor.number] = monitor
            return
        monitor.filed = min(monitor.groups, key=self._cost)
        for atom in monitor.filed:
            under = self.filed.get(atom)
            if under is None:
                under = self.filed[atom] = {}
                self._known(atom, 1)
            under[monitor.number] = monitor
            self._forget(atom)

    def _unfile(self, monitor: _Monitor) -> None:
        self._loose.pop(monitor.number, None)
        for atom in monitor.filed:
            under = self.filed[atom]
            del under[monitor.number]
            if not under:
                del self.filed[atom]
                self._known(atom, -1)
            self._forget(atom)

    def _known(self, atom: str, by: int) -> None:
        if atom[0] == PREFIX:
            length = len(atom) - 1
            self.prefixes[length] = self.prefixes.get(length, 0) + by
            if not self.prefixes[length]:
                del self.prefixes[length]
        elif atom[0] == PART:
            parts = self._parts.setdefault(atom[1], {})
            if by > 0:
                parts[atom[1:]] = 1
            else:
                del parts[atom[1:]]
            if not parts:
                del self._parts[atom[1]]

    def _forget(self, atom: str) -> None:
        if atom[0] == PREFIX:
            self.words.clear()
        elif atom[0] != PART:
            self.words.pop(atom, None)
        if self._pieces:
            self._pieces.clear()

    def _cost(self, group: Iterable[str]) -> float:
        """How often a post has one of these, as far as is known; before that, short words are taken for the common ones."""
        return sum(self._count(atom) + 1 / (1 + len(atom)) for atom in group)

    def _count(self, atom: str) -> int:
        if atom[0] != PREFIX:
            return self._counts.get(atom, 0)
        if self._ordered is None:
            self._ordered = sorted(self._counts)
        begin, count = bisect_left(self._ordered, atom[1:]), 0
        for word in islice(self._ordered, begin, None):
            if not word.startswith(atom[1:]):
                break
            count += self._counts.get(word, 0)
        return count

    def parts_in(self, text: str) -> list[_Monitor]:
        """What is filed under something that stands anywhere in this."""
        firsts = self._parts
        if not firsts or firsts.keys().isdisjoint(text):
            return []
        return [
            one
            for first in firsts.keys() & set(text)
            for part in firsts[first]
            if part in text
            for one in self.filed[PART + part].values()
        ]

    def match(self, posts: Sequence[Post]) -> list[Found]:
        """What matches, by posts as they come and monitors as they were added: (post's index, key, spans)."""
        found: list[tuple[int, int, Hashable, list[Span]]] = []
        unsure: dict[int, list[_Monitor]] = {}
        words, pieces = self.words.__getitem__, self._pieces.__getitem__
        loose = self._loose
        for index, post in enumerate(posts):
            text = post.text
            if text.isascii():
                lower = text.lower()
                few = list(filter(None, map(words, lower.translate(_SPACES).split())))
                if self._parts and (more := self.parts_in(lower)):
                    few.append(tuple(more))
            else:
                few = list(filter(None, map(pieces, text.split())))
            if few or loose:
                self._decide(index, post, few, found, unsure)
        if unsure:
            self._ask(posts, unsure, found)
        self._learn(posts)
        found.sort(key=lambda one: one[:2])
        return [(index, key, spans) for index, _, key, spans in found]

    def _decide(
        self,
        index: int,
        post: Post,
        few: list[_Few],
        found: list[tuple[int, int, Hashable, list[Span]]],
        unsure: dict[int, list[_Monitor]],
    ) -> None:
        seen = self._seen(post)
        atoms = seen.atoms
        could = {monitor for some in few for monitor in some}
        could.update(self._loose.values())
        for monitor in could:
            for group in monitor.sure:
                if group.isdisjoint(atoms):
                    break
            else:
                later = monitor.hoped if post.sentiment is None and self._label else None
                if later:
                    if later.true(seen):
                        unsure.setdefault(index, []).append(monitor)
                elif monitor.check.true(seen):
                    found.append((index, monitor.number, monitor.key, _spans(monitor.check, seen)))

    def _seen(self, post: Post) -> Seen:
        text = fold(post.text)
        return Seen(post, text, _atoms(text))

    def _ask(
        self,
        posts: Sequence[Post],
        unsure: dict[int, list[_Monitor]],
        found: list[tuple[int, int, Hashable, list[Span]]],
    ) -> None:
        """Mood and intents, in one go for all posts that hang on them."""
        assert self._label
        labels = self._label([posts[index].text for index in unsure])
        for (index, monitors), (sentiment, intents) in zip(unsure.items(), labels, strict=True):
            seen = self._seen(posts[index]._replace(sentiment=sentiment, intents=intents))
            for monitor in monitors:
                if monitor.check.true(seen):
                    found.append((index, monitor.number, monitor.key, _spans(monitor.check, seen)))

    def _learn(self, posts: Sequence[Post]) -> None:
        """Counts the words of a few posts, and now and then files every query under what turned out to be rare."""
        counts = self._counts
        for post in posts[-self._posts % SAMPLE :: SAMPLE]:
            for word in _atoms(fold(post.text)):
                counts[word] = counts.get(word, 0) + 1
        self._posts += len(posts)
        if len(counts) > MOST_COUNTED:
            self._counts = {word: count // 2 for word, count in counts.items() if count > 1}
        if self._posts >= self._sort_at:
            self._sort_at *= 4
            self._sort()

    def _sort(self) -> None:
        self._ordered = None
        for monitor in self._monitors.values():
            if len(monitor.groups) > 1 and min(monitor.groups, key=self._cost) != monitor.filed:
                self._unfile(monitor)
                self._file(monitor)


def _atoms(text: str) -> set[str]:
    return set(text.translate(_SPACES).split() if text.isascii() else WORD.findall(text))


def _spans(of: Check, seen: Seen) -> list[Span]:
    hits: set[Span] = set()
    of.add(seen, hits)
    return seen.spans(hits)
