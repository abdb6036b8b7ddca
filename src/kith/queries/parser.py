"""The language of queries: text in, a tree out, or an error that points at the character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kith.queries import words
from kith.queries.fold import DOUBLE_QUOTES
from kith.queries.nodes import And, Link, Near, Node, Not, Or, Query, QueryError, Term, children

MOST_CHARACTERS: Final = 4000
MOST_TERMS: Final = 200
MOST_DEPTH: Final = 20
MOST_APART: Final = 100

_FIELD: Final = re.compile(r"([^\W\d_]{2,20})[:：]")
_NEAR: Final = re.compile(r"NEAR(?:/(\d*))?")
_OPEN, _CLOSE = "(（", ")）"
_STARTS: Final = 'Words, "phrases", #hashtags, @handles and filters such as lang:en can stand here.'


@dataclass(frozen=True, slots=True)
class _Part:
    """A lexeme. `what`: ( ) AND OR NOT NEAR, or leaf."""

    what: str
    at: int
    length: int
    node: Node | None = None
    number: int = 0


def parse(text: str) -> Query:
    """The query that this text is.

    Raises:
        QueryError: it can't be read, asks for too much at once, or would match nearly everything.
    """
    if len(text) > MOST_CHARACTERS:
        raise QueryError(
            f"A query has at most {MOST_CHARACTERS:,} characters, and this one has {len(text):,}. Make two monitors of it.",
            MOST_CHARACTERS,
            len(text) - MOST_CHARACTERS,
        )
    parts = _Lexer(text).parts()
    if not parts:
        raise QueryError(f"The query is empty. {_STARTS}", 0, max(1, len(text)))
    terms = [one for one in parts if one.what == "leaf"]
    if len(terms) > MOST_TERMS:
        extra = terms[MOST_TERMS]
        raise QueryError(
            f"A query has at most {MOST_TERMS} terms, and this one has {len(terms)}. Make two monitors of it.",
            extra.at,
            extra.length,
        )
    node = _Parser(text, parts).whole()
    if not _wants_something(node, wanted=True):
        first = next(one for one in parts if one.what == "NOT")
        raise QueryError(
            "A query that only says NOT would match nearly every post there is. Add what you do look for.",
            first.at,
            first.length,
        )
    return Query(text, node)


def _wants_something(node: Node, *, wanted: bool) -> bool:
    if isinstance(node, Not):
        return _wants_something(node.item, wanted=not wanted)
    inside = children(node)
    return any(_wants_something(one, wanted=wanted) for one in inside) if inside else wanted


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def parts(self) -> list[_Part]:
        found: list[_Part] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char.isspace():
                self.at += 1
            elif char in _OPEN or char in _CLOSE:
                found.append(_Part("(" if char in _OPEN else ")", self.at, 1))
                self.at += 1
            else:
                found.append(self._leaf())
        return found

    def _leaf(self) -> _Part:
        start = self.at
        if self.text[start] in DOUBLE_QUOTES:
            inner, at = self._quoted()
            return self._made(start, words.phrase(inner, at, start))
        named = _FIELD.match(self.text, start)
        if named:
            return self._field(named[1], start, named.end())
        word = self._bare()
        if word in ("AND", "OR", "NOT"):
            return _Part(word, start, len(word))
        near = _NEAR.fullmatch(word)
        if near:
            return self._near(near[1], start, len(word))
        if word[0] == "-" and word[1:2].isalpha():
            raise QueryError(
                f"To leave a word out write NOT {word[1:]}; to search for the hyphen too, quote it.", start
            )
        return self._made(start, Term((words.token(word, start, phrase=False),), start))

    def _made(self, start: int, node: Node) -> _Part:
        return _Part("leaf", start, self.at - start, node)

    def _near(self, number: str | None, start: int, length: int) -> _Part:
        if not number or not 1 <= int(number) <= MOST_APART:
            raise QueryError(
                f"After NEAR comes how many words may stand between, 1 to {MOST_APART}: bike NEAR/5 broken.",
                start,
                length,
            )
        return _Part("NEAR", start, length, number=int(number))

    def _quoted(self) -> tuple[str, int]:
        start = self.at
        at = start + 1
        while at < len(self.text):
            if self.text[at] in DOUBLE_QUOTES:
                self.at = at + 1
                return self.text[start + 1 : at], start + 1
            at += 1
        raise QueryError('This quote is never closed. Put a " where the phrase ends.', start)

    def _bare(self, stops: str = "") -> str:
        start = self.at
        while self.at < len(self.text):
            char = self.text[self.at]
            if char.isspace() or char in _OPEN or char in _CLOSE or char in DOUBLE_QUOTES or char in stops:
                break
            self.at += 1
        return self.text[start : self.at]

    def _field(self, name: str, start: int, at: int) -> _Part:
        field = name.lower()
        if field not in words.FIELDS:
            raise self._no_field(name, start, at)
        self.at = at
        if at < len(self.text) and self.text[at] in DOUBLE_QUOTES:
            value, at = self._quoted()
        else:
            value = self._bare("~" if field == "near" else "")
        if field != "near":
            return self._made(start, words.field(field, value, at, start))
        distance, place = None, self.at
        if self.text[self.at : self.at + 1] == "~":
            self.at = place = self.at + 1
            distance = self._bare()
        return self._made(start, words.nearby(value, distance, place, start))

    def _no_field(self, name: str, start: int, at: int) -> QueryError:
        self.at = start
        word = self._bare()
        if name.lower() in ("http", "https"):
            return QueryError(
                f"To find posts that link there write link:{word[at - start :].lstrip('/')}.",
                start,
                len(word),
            )
        return QueryError(
            f"There is no filter “{name}”. The filters are {', '.join(words.FIELDS)}; to search for this text, write it in quotes.",
            start,
            at - start,
        )


class _Parser:
    """NEAR binds first, then NOT, then AND (side by side is AND too), then OR."""

    def __init__(self, text: str, parts: list[_Part]) -> None:
        self.text, self.parts, self.at, self.depth = text, parts, 0, 0

    def whole(self) -> Node:
        node = self._or()
        left = self._next()
        if left:
            raise QueryError("Nothing was opened that this bracket could close. Take it away.", left.at)
        return node

    def _next(self) -> _Part | None:
        return self.parts[self.at] if self.at < len(self.parts) else None

    def _take(self, what: str) -> _Part | None:
        part = self._next()
        if part and part.what == what:
            self.at += 1
            return part
        return None

    def _or(self) -> Node:
        items = [self._and()]
        while self._take("OR"):
            items.append(self._and())
        return items[0] if len(items) == 1 else Or(tuple(items), _start(items[0]))

    def _and(self) -> Node:
        items = [self._not()]
        while (part := self._next()) and part.what not in ("OR", ")"):
            self._take("AND")
            items.append(self._not())
        return items[0] if len(items) == 1 else And(tuple(items), _start(items[0]))

    def _not(self) -> Node:
        part = self._take("NOT")
        if not part:
            return self._near()
        self._deeper(part)
        item = self._not()
        self.depth -= 1
        return Not(item, part.at)

    def _near(self) -> Node:
        first = self._leaf()
        items, words = [first], list[int]()
        while part := self._take("NEAR"):
            items.append(self._leaf())
            words.append(part.number)
            for side in items[-2:]:
                _may_be_near(side, part)
        return Near(tuple(items), tuple(words), first.at) if words else first

    def _deeper(self, part: _Part) -> None:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise QueryError(
                f"Brackets and NOT may stand {MOST_DEPTH} deep in each other, not more.", part.at
            )

    def _leaf(self) -> Node:
        part = self._next()
        if part is None:
            last = self.parts[-1]
            if last.what == "(":
                raise QueryError("This bracket is never closed. Put a ) where the group ends.", last.at)
            raise QueryError(f"Something must follow {last.what}. {_STARTS}", last.at, last.length)
        self.at += 1
        if part.node is not None:
            return part.node
        if part.what == "(":
            return self._group(part)
        raise QueryError(self._misplaced(part), part.at, part.length)

    def _group(self, part: _Part) -> Node:
        self._deeper(part)
        node = self._or()
        self.depth -= 1
        if not self._take(")"):
            raise QueryError("This bracket is never closed. Put a ) where the group ends.", part.at)
        return node

    def _misplaced(self, part: _Part) -> str:
        before = self.parts[self.at - 2].what if self.at > 1 else ""
        if part.what == ")":
            if not before:
                return "Nothing was opened that this bracket could close. Take it away."
            if before == "(":
                return "There is nothing between these brackets. Take them away, or write what to look for."
            return f"Something must stand between {before} and this bracket. {_STARTS}"
        where = f"after {before}" if before and before not in ("leaf", "(", ")") else "at the beginning"
        return f"{part.what} stands between two terms and can't stand {where}. To search for the word, write it in small letters."


def _start(node: Node) -> int:
    return node.at


def _may_be_near(node: Node, part: _Part) -> None:
    if isinstance(node, Term | Link):
        return
    if isinstance(node, Or):
        for one in node.items:
            _may_be_near(one, part)
        return
    what = type(node).__name__.upper() if isinstance(node, And | Not | Near) else "a filter"
    raise QueryError(
        f"NEAR stands between words, phrases, or brackets with OR; {what} can't be a side of it.",
        part.at,
        part.length,
    )
