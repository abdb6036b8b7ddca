"""What a query says, as a tree, and what is looked at: a post."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

Span = tuple[int, int]


class Kind(StrEnum):
    """How a token stands in the text."""

    WORD = "word"
    TAG = "tag"
    HANDLE = "handle"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Token:
    """One part of a phrase between white space: folded text, or a gap for any one word."""

    text: str
    kind: Kind = Kind.WORD
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A word, a phrase, a hashtag or a handle."""

    tokens: tuple[Token, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a site (its subdomains too) and perhaps below a path."""

    host: str
    path: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class Filter:
    """One of the values; `field` is lang, network, sentiment or intent."""

    field: str
    values: frozenset[str]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Nearby:
    """The post's place is this one, or no further away than that."""

    place: str
    kilometres: float
    at: int = 0


@dataclass(frozen=True, slots=True)
class Near:
    """One beside the other, in either order: between an item and the next at most `words` of it."""

    items: tuple[Node, ...]
    words: tuple[int, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class And:
    items: tuple[Node, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple[Node, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Not:
    item: Node
    at: int = 0


Node = Term | Link | Filter | Nearby | Near | And | Or | Not


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case And(items) | Or(items) | Near(items):
            return items
        case Not(item):
            return (item,)
    return ()


def walk(node: Node) -> Iterator[Node]:
    yield node
    for one in children(node):
        yield from walk(one)


@dataclass(frozen=True, slots=True)
class Query:
    """A query that could be read."""

    text: str
    node: Node

    def _values(self, field: str) -> frozenset[str]:
        found = [one.values for one in walk(self.node) if isinstance(one, Filter) and one.field == field]
        return frozenset[str]().union(*found)

    @property
    def languages(self) -> frozenset[str]:
        """Every language it names, be it to leave it out."""
        return self._values("lang")

    @property
    def networks(self) -> frozenset[str]:
        return self._values("network")

    @property
    def asks_meaning(self) -> bool:
        """A post must have been labelled before this can be decided."""
        return any(isinstance(one, Filter) and one.field in MEANING for one in walk(self.node))


MEANING = frozenset({"sentiment", "intent"})


class Post(NamedTuple):
    """What is matched; any but the text may be unknown. `place` is a name, {"name", "lat", "lon"}, or [lat, lon]."""

    id: Any
    text: str
    language: str | None = None
    network: str | None = None
    author: str | None = None
    published_at: str | None = None
    place: Any = None
    sentiment: str | None = None
    intents: tuple[str, ...] = ()


class QueryError(ValueError):
    """A query that can't be read: what is wrong, what to do, and where."""

    def __init__(self, message: str, position: int, length: int = 1) -> None:
        super().__init__(message)
        self.message, self.position, self.length = message, position, length
