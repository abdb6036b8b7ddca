"""Queries as rows that are filled in by words and clicks: all of these, any of these, none of these, languages, networks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kith.queries.fold import DOUBLE_QUOTES
from kith.queries.nodes import And, Filter, Link, Nearby, Node, Not, Or, Query, QueryError, Term
from kith.queries.parser import parse

_QUOTED: Final = f"[{''.join(DOUBLE_QUOTES)}]([^{''.join(DOUBLE_QUOTES)}]*)[{''.join(DOUBLE_QUOTES)}]"
_SOURCE: Final = re.compile(
    rf"(?:link[:：])?(?:{_QUOTED}|[^\s()（）{''.join(DOUBLE_QUOTES)}]+)", re.IGNORECASE
)
_NEARBY: Final = re.compile(
    rf"near[:：](?:{_QUOTED}|([^\s()（）~{''.join(DOUBLE_QUOTES)}]*))(?:~(\w+(?:\.\w+)?))?", re.IGNORECASE
)
_ANY_QUOTE: Final = str.maketrans(dict.fromkeys(DOUBLE_QUOTES, " "))


@dataclass(frozen=True, slots=True)
class Rows:
    """A query as a form shows it. Terms are as people write them: bike shop, #cycling, @acme, recommend*, link:example.com."""

    every: tuple[str, ...] = ()
    some: tuple[tuple[str, ...], ...] = ()
    """Of each group at least one."""
    none: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    sentiments: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    place: str = ""
    distance: str = ""
    """As in 30km; without one it is the usual distance."""

    def text(self) -> str:
        """
        >>> Rows(every=("bike shop",), some=(("#cycling", "velo"),), none=("giveaway",), languages=("en", "de")).text()
        '"bike shop" (#cycling OR velo) NOT giveaway lang:en,de'
        """
        parts = _all_written(self.every)
        for group in self.some:
            terms = _all_written(group)
            parts += [f"({' OR '.join(terms)})"] if len(terms) > 1 else terms
        parts += [f"NOT {term}" for term in _all_written(self.none)]
        for field, row in _FILTERS.items():
            values = [value.strip() for value in getattr(self, row) if value.strip()]
            parts += [f"{field}:{','.join(values)}"] if values else []
        place = " ".join(self.place.translate(_ANY_QUOTE).split())
        if place:
            distance = "".join(self.distance.split())
            parts.append(f'near:"{place}"' + (f"~{distance}" if distance else ""))
        return " ".join(parts)


_FILTERS: Final = {"lang": "languages", "network": "networks", "sentiment": "sentiments", "intent": "intents"}


def rows(query: Query) -> Rows | None:
    """The rows that say the same; None where a query says more than they can show."""
    every: list[str] = []
    some: list[tuple[str, ...]] = []
    none: list[str] = []
    values: dict[str, tuple[str, ...]] = {}
    place, distance = "", ""
    for node in _flat(And, _plain(query.node)):
        match node:
            case Term() | Link():
                every.append(_shown(query, node))
            case Or():
                terms = _terms(query, node)
                if terms is None:
                    return None
                some.append(terms)
            case Not(item):
                terms = _terms(query, item)
                if terms is None:
                    return None
                none += terms
            case Filter(field, chosen) if field not in values:
                values[field] = tuple(sorted(chosen))
            case Nearby() if not place:
                place, distance = _whereabouts(query, node)
            case _:
                return None
    filled = {row: values.get(field, ()) for field, row in _FILTERS.items()}
    return Rows(tuple(every), tuple(some), tuple(none), place=place, distance=distance, **filled)


def _plain(node: Node) -> Node:
    """Without NOT before NOT, and with NOT before each branch of an OR that it stood before."""
    match node:
        case Not(Not(item)):
            return _plain(item)
        case Not(Or(items), at):
            return And(tuple(_plain(Not(one, at)) for one in items), at)
        case And(items, at):
            return And(tuple(_plain(one) for one in items), at)
    return node


def _flat(kind: type[And | Or], node: Node) -> list[Node]:
    if not isinstance(node, kind):
        return [node]
    return [one for item in node.items for one in _flat(kind, item)]


def _terms(query: Query, node: Node) -> tuple[str, ...] | None:
    nodes = _flat(Or, node)
    return (
        tuple(_shown(query, one) for one in nodes if isinstance(one, Term | Link))
        if _only_terms(nodes)
        else None
    )


def _only_terms(nodes: list[Node]) -> bool:
    return all(isinstance(one, Term | Link) for one in nodes)


def _shown(query: Query, node: Term | Link) -> str:
    """What was written, without quotes where `text` sets them again."""
    found = _SOURCE.match(query.text, node.at)
    if not found:  # pragma: no cover - the parser has read a term there
        raise ValueError(f"no term at {node.at}")
    source = found.group()
    if found[1] is None or isinstance(node, Link):
        return source
    inner = " ".join(found[1].split())
    return inner if _leaf(_written(inner)) == _leaf(source) else source


def _all_written(terms: tuple[str, ...]) -> list[str]:
    return [written for term in terms if (written := _written(term))]


def _written(term: str) -> str:
    """A term as it stands in a query: as it is where that is one term, in quotes otherwise."""
    term = " ".join(term.split())
    if not term:
        return ""
    if isinstance(_leaf(term), Term | Link):
        return term
    inner = " ".join(term.translate(_ANY_QUOTE).split())
    return f'"{inner}"' if inner else ""


def _leaf(text: str) -> Node | None:
    """The one node that this text is, wherever it stands; None if it is none or several."""
    try:
        node = parse(text).node
    except QueryError:
        return None
    match node:
        case Term(tokens):
            return Term(tokens)
        case Link(host, path):
            return Link(host, path)
    return None


def _whereabouts(query: Query, node: Nearby) -> tuple[str, str]:
    found = _NEARBY.match(query.text, node.at)
    if not found:  # pragma: no cover - the parser has read a place there
        raise ValueError(f"no place at {node.at}")
    return node.place, found[3] or ""
