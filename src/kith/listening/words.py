"""What to ask a network's own search for, so that it brings all that a query could find there.

Networks know words and phrases in quotes, and mean all of what stands side by side. So a query is taken apart into a few
such questions that together bring more than it wants; the query itself then decides. What begins with NOT, a filter, or
`recommend*` can't be asked: where nothing else stands beside it, the network can't be searched for it.
"""

from __future__ import annotations

import re
from itertools import product

from kith.queries import QueryError, parse
from kith.queries.nodes import And, Filter, Kind, Link, Near, Node, Or, Term

MOST = 12  # questions for one query
LONGEST = 300
_QUOTES = "\"'“”„‟«»‹›‘’"
_BARE = re.compile(r"[^\s()]+")
Question = tuple[str, ...]


def words_for(query: str, network: str) -> list[str]:
    """The questions, none where nothing can be asked. What a query leaves to other networks is not asked of this one."""
    try:
        parsed = parse(query)
    except QueryError:
        return []
    if _elsewhere(parsed.node, network):
        return []
    found = _questions(parsed.node, query) or []
    return sorted({" ".join(dict.fromkeys(one))[:LONGEST] for one in found})


def can_be_asked(query: str, network: str) -> bool:
    """Whether a network's search can bring what the query looks for."""
    return bool(words_for(query, network))


def _elsewhere(node: Node, network: str) -> bool:
    items = node.items if isinstance(node, And) else (node,)
    return any(
        isinstance(one, Filter) and one.field == "network" and network not in one.values for one in items
    )


def _questions(node: Node, text: str) -> list[Question] | None:
    """Alternatives, of which one must be met; None: nothing is known that must be."""
    match node:
        case Term(tokens, at):
            if any(token.prefix or token.kind is Kind.GAP for token in tokens):
                return None
            return [(_written(text, at),)]
        case Link(host):
            return [(host,)]
        case Near(items) | And(items):
            return _all(list(items), text)
        case Or(items):
            each = [_questions(one, text) for one in items]
            if any(one is None for one in each):
                return None
            found = [question for one in each for question in one or ()]
            return found if len(found) <= MOST else None
    return None


def _all(nodes: list[Node], text: str) -> list[Question] | None:
    """All of them together, as long as these are few questions; else what is asked with the fewest."""
    known = sorted((one for node in nodes if (one := _questions(node, text))), key=len)
    if not known:
        return None
    found = known[0]
    for more in known[1:]:
        if len(found) * len(more) <= MOST:
            found = [(*left, *right) for left, right in product(found, more)]
    return found


def _written(text: str, at: int) -> str:
    """A term as somebody wrote it: with its accents, which a network may mind."""
    if text[at] in _QUOTES:
        end = next((n for n in range(at + 1, len(text)) if text[n] in _QUOTES), len(text))
        return f'"{text[at + 1 : end]}"'
    found = _BARE.match(text, at)
    return found[0] if found else ""
