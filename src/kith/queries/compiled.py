"""Queries made ready for many posts: what must stand in a text at least, whether it does match, and where."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from kith.queries.chars import MARKS, UNSPACED, spaced, unspaced
from kith.queries.fold import Folded, fold_map, same_length
from kith.queries.nodes import (
    MEANING,
    And,
    Filter,
    Kind,
    Link,
    Near,
    Nearby,
    Node,
    Not,
    Or,
    Post,
    Span,
    Term,
    Token,
)
from kith.queries.reference import INNER, is_below, links, passes, phrase_end

WORD: Final = re.compile(rf"(?:[^\W{UNSPACED}]+|[{MARKS}]+)+")
"""A whole word of a script with spaces, in a folded text."""
SIGNED: Final = re.compile(rf"[#@](?:[^\W{UNSPACED}]+|[{MARKS}]+)+")
"""The first word of a hashtag or a handle, with its sign."""
PREFIX: Final = "*"
PART: Final = "+"
"""Before an atom: a word's beginning; any part of the text. A pair of words has a space in it, all else is a whole word."""

Atoms = frozenset[str]


class Seen:
    """A post under the eyes of the compiled queries; what several ask for is found once."""

    __slots__ = ("_hits", "_links", "_map", "_starts", "atoms", "post", "text")

    def __init__(self, post: Post, text: str, atoms: set[str]) -> None:
        self.post, self.text, self.atoms = post, text, atoms
        self._hits: dict[str, list[Span]] = {}
        self._links: list[tuple[int, int, str, str]] | None = None
        self._starts: list[int] | None = None
        self._map: Folded | None = None

    def term(self, name: str, tokens: tuple[Token, ...]) -> list[Span]:
        """Where it stands; the name is the term's alone, and quicker to find again than its tokens."""
        hits = self._hits.get(name)
        if hits is None:
            hits = self._hits[name] = self._find(tokens)
        return hits

    def _find(self, tokens: tuple[Token, ...]) -> list[Span]:
        text, first = self.text, tokens[0].text
        hits, at = [], text.find(first)
        while at >= 0:
            end = phrase_end(tokens, text, at)
            if end is not None:
                hits.append((at, end))
            at = text.find(first, at + 1)
        return hits

    def links(self) -> list[tuple[int, int, str, str]]:
        if self._links is None:
            self._links = links(self.text)
        return self._links

    def words_between(self, start: int, end: int) -> int:
        """`reference.word_count` of this part of the text, without going through it."""
        if self._starts is None:
            self._starts = _word_starts(self.text)
        count = bisect_left(self._starts, end) - bisect_left(self._starts, start)
        # What is the middle of a word in the whole text ("-bike" of "e-bike") is a word where the part begins with it.
        at = start + (start < end and self.text[start] in INNER)
        if at < end and spaced(self.text[at]) and self._starts[bisect_left(self._starts, at) :][:1] != [at]:
            count += 1
        return count

    def spans(self, hits: set[Span]) -> list[Span]:
        """In the post's own text."""
        if not hits or same_length(self.post.text):
            return sorted(hits)
        if self._map is None:
            self._map = fold_map(self.post.text)
        span = self._map.span
        return sorted({span(start, end) for start, end in hits})


def _word_starts(text: str) -> list[int]:
    starts = []
    for at, char in enumerate(text):
        if spaced(char):
            before = text[at - 1] if at else " "
            if spaced(before) or (before in INNER and at > 1 and spaced(text[at - 2])):
                continue
            starts.append(at)
        elif unspaced(char):
            starts.append(at)
    return starts


class Check:
    """A node that can say whether it is true, cheaply, and then what contributed."""

    __slots__ = ("cost",)
    cost: int

    def true(self, seen: Seen) -> bool:
        raise NotImplementedError

    def add(self, seen: Seen, hits: set[Span]) -> None:
        """The spans of a check that is true."""


class _Word(Check):
    __slots__ = ("word",)

    def __init__(self, word: str) -> None:
        self.cost, self.word = 0, word

    def true(self, seen: Seen) -> bool:
        return self.word in seen.atoms

    def add(self, seen: Seen, hits: set[Span]) -> None:
        text, word = seen.text, self.word
        at = text.find(word)
        while at >= 0:
            end = at + len(word)
            if (not at or not spaced(text[at - 1])) and (end == len(text) or not spaced(text[end])):
                hits.add((at, end))
            at = text.find(word, end)


class _Words(Check):
    """Any of several whole words."""

    __slots__ = ("each", "words")

    def __init__(self, each: list[_Word]) -> None:
        self.cost, self.each, self.words = 0, each, frozenset(one.word for one in each)

    def true(self, seen: Seen) -> bool:
        return not self.words.isdisjoint(seen.atoms)

    def add(self, seen: Seen, hits: set[Span]) -> None:
        for one in self.each:
            if one.word in seen.atoms:
                one.add(seen, hits)


class _Phrase(Check):
    __slots__ = ("atoms", "name", "tokens")

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.cost, self.tokens = 3, tokens
        self.name = " ".join(f"{one.kind}{one.text}{'*' * one.prefix}" for one in tokens)
        self.atoms = frozenset(word for token in tokens for word in _whole_words(token))

    def true(self, seen: Seen) -> bool:
        return self.atoms <= seen.atoms and bool(seen.term(self.name, self.tokens))

    def add(self, seen: Seen, hits: set[Span]) -> None:
        hits.update(seen.term(self.name, self.tokens))


class _Link(Check):
    __slots__ = ("link",)

    def __init__(self, link: Link) -> None:
        self.cost, self.link = 4, link

    def hits(self, seen: Seen) -> list[Span]:
        return [(start, end) for start, end, host, path in seen.links() if is_below(host, path, self.link)]

    def true(self, seen: Seen) -> bool:
        return bool(self.hits(seen))

    def add(self, seen: Seen, hits: set[Span]) -> None:
        hits.update(self.hits(seen))


class _Near(Check):
    __slots__ = ("items", "words")

    def __init__(self, items: list[Check], words: tuple[int, ...]) -> None:
        self.cost, self.items, self.words = 6, items, words

    def true(self, seen: Seen) -> bool:
        return all(one.true(seen) for one in self.items) and bool(self._chain(seen)[0])

    def add(self, seen: Seen, hits: set[Span]) -> None:
        for some in self._chain(seen):
            hits.update(some)

    def _chain(self, seen: Seen) -> list[list[Span]]:
        hits = [_all(one, seen) for one in self.items]
        for number, most in enumerate(self.words):
            hits[number + 1] = _beside(hits[number + 1], hits[number], most, seen)
        for number, most in reversed([*enumerate(self.words)]):
            hits[number] = _beside(hits[number], hits[number + 1], most, seen)
        return hits


def _all(check: Check, seen: Seen) -> list[Span]:
    found: set[Span] = set()
    if check.true(seen):
        check.add(seen, found)
    return sorted(found)


def _beside(hits: list[Span], others: list[Span], most: int, seen: Seen) -> list[Span]:
    """Those that have one of the others within so many words: the next one after, or the last one before, decides."""
    starts, ends = [start for start, _ in others], sorted(end for _, end in others)
    found = []
    for start, end in hits:
        after = bisect_left(starts, end)
        before = bisect_right(ends, start)
        if (after < len(starts) and seen.words_between(end, starts[after]) <= most) or (
            before and seen.words_between(ends[before - 1], start) <= most
        ):
            found.append((start, end))
    return found


class _Passes(Check):
    __slots__ = ("node",)

    def __init__(self, node: Filter | Nearby) -> None:
        self.cost, self.node = 5 if isinstance(node, Nearby) else 1, node

    def true(self, seen: Seen) -> bool:
        return passes(self.node, seen.post)


class _Not(Check):
    __slots__ = ("item",)

    def __init__(self, item: Check) -> None:
        self.cost, self.item = item.cost, item

    def true(self, seen: Seen) -> bool:
        return not self.item.true(seen)


class _And(Check):
    __slots__ = ("items",)

    def __init__(self, items: list[Check]) -> None:
        self.items = sorted(items, key=lambda one: one.cost)
        self.cost = max((one.cost for one in items), default=0)

    def true(self, seen: Seen) -> bool:
        for one in self.items:  # noqa: SIM110  (a generator takes longer than most of what it would ask)
            if not one.true(seen):
                return False
        return True

    def add(self, seen: Seen, hits: set[Span]) -> None:
        for one in self.items:
            one.add(seen, hits)


class _Or(Check):
    __slots__ = ("items",)

    def __init__(self, items: list[Check]) -> None:
        self.items = sorted(items, key=lambda one: one.cost)
        self.cost = max((one.cost for one in items), default=0)

    def true(self, seen: Seen) -> bool:
        for one in self.items:  # noqa: SIM110
            if one.true(seen):
                return True
        return False

    def add(self, seen: Seen, hits: set[Span]) -> None:
        for one in self.items:
            if one.true(seen):
                one.add(seen, hits)


def check(node: Node) -> Check:
    match node:
        case Term(tokens):
            only = tokens[0]
            whole = (
                len(tokens) == 1 and only.kind is Kind.WORD and not only.prefix and WORD.fullmatch(only.text)
            )
            return _Word(only.text) if whole else _Phrase(tokens)
        case Link():
            return _Link(node)
        case Filter() | Nearby():
            return _Passes(node)
        case Near(items, words):
            return _Near([check(one) for one in items], words)
        case Not(item):
            return _Not(check(item))
        case And(items):
            return _And([check(one) for one in items])
        case Or(items):
            return _either([check(one) for one in items])


def _either(items: list[Check]) -> Check:
    words = [one for one in items if isinstance(one, _Word)]
    rest = [one for one in items if not isinstance(one, _Word)]
    if len(words) > 1:
        return _Or([_Words(words), *rest]) if rest else _Words(words)
    return _Or(items)


def needs(node: Node, cost: Callable[[str], float]) -> tuple[float, Atoms] | None:
    """The cheapest atoms of which every matching text has at least one, and their cost; None where it can match without any."""
    match node:
        case Term(tokens):
            return min(((cost(atom), frozenset((atom,))) for atom in _of_tokens(tokens)), key=_first)
        case Link(host):
            return min(((cost(word), frozenset((word,))) for word in WORD.findall(host)), key=_first)
        case And(items) | Near(items):
            each = [found for one in items if (found := needs(one, cost))]
            return min(each, key=_first, default=None)
        case Or(items):
            branches = [needs(one, cost) for one in items]
            sure = [found for found in branches if found]
            if len(sure) < len(branches):
                return None
            return sum(map(_first, sure)), frozenset[str]().union(*(atoms for _, atoms in sure))
    return None


def _first(found: tuple[float, Atoms]) -> float:
    return found[0]


def _of_tokens(tokens: tuple[Token, ...]) -> list[str]:
    """What stands in every text that has this term: one of these is enough to find it by."""
    found: list[str] = []
    before: str | None = None
    for token in tokens:
        if token.kind is Kind.GAP:
            before = None
            continue
        words = _whole_words(token)
        if token.kind in (Kind.TAG, Kind.HANDLE):
            sign = SIGNED.match(token.text)
            if sign and not (token.prefix and sign.end() == len(token.text)):
                found.append(sign.group())
        found += words
        # Words beside each other in the phrase are so in the text, whatever stands between them.
        row = [before, *words] if before else words
        found += [f"{one} {other}" for one, other in pairwise(row)]
        before = row[-1] if row else None
        if token.prefix and spaced(token.text[-1]):
            found.append(PREFIX + WORD.findall(token.text)[-1])
            before = None
        elif not words:
            found.append(PART + token.text)
    return found


def _whole_words(token: Token) -> list[str]:
    words = WORD.findall(token.text)
    return words[:-1] if token.prefix and words and spaced(token.text[-1]) else words


def hoped(node: Node, *, wanted: bool = True) -> Node:
    """The query while mood and intents are not known: what they may yet decide is taken for decided as it must be to match."""
    match node:
        case Filter(field) if field in MEANING:
            return And(()) if wanted else Or(())
        case Not(item):
            return Not(hoped(item, wanted=not wanted))
        case And(items):
            return And(tuple(hoped(one, wanted=wanted) for one in items))
        case Or(items):
            return Or(tuple(hoped(one, wanted=wanted) for one in items))
    return node
