"""Lists that a page reads together: one statement for them all, whatever rooms they belong to.

An open conversation shows some thirty small lists, and each round trip costs 0.2 ms and more beside what it asks for. So a
selector may be a generator: it yields what it asks next and is given the answers. Each keeps its own SQL, and with it
its own look at who may see what. By itself (`asked`) it takes a statement for each of its steps; beside others
(`asked_together`) all of them take as many as the one with the most steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from kith.core import sql

T = TypeVar("T")
Rows = Sequence[tuple[Any, ...]]


class Ask(NamedTuple):
    """One list: a SELECT with named parameters (its ORDER BY and LIMIT included), and what is made of its rows.

    A name in `SHARED` means the viewer's own, the same in every list of a page.
    """

    select: str
    params: Mapping[str, Any]
    read: Callable[[Rows], Any] = list


SHARED = frozenset({"me", "scopes", "teams"})
Asking = Generator[Sequence[Ask], Sequence[Any], T]
_NAME = re.compile(r"%\((\w+)\)s")


def asked(asking: Asking[T]) -> T:
    """What one selector finds, by itself."""
    found: T = asked_together(asking)[0]
    return found


def asked_together(*askings: Asking[Any]) -> list[Any]:
    """What each of these finds, in their order; the asks of each step in one statement."""
    results: list[Any] = [None] * len(askings)
    waiting: list[tuple[int, Asking[Any], Sequence[Ask]]] = []

    def go_on(number: int, asking: Asking[Any], given: Sequence[Any] | None) -> None:
        try:
            waiting.append((number, asking, next(asking) if given is None else asking.send(given)))
        except StopIteration as ended:
            results[number] = ended.value

    for number, asking in enumerate(askings):
        go_on(number, asking, None)
    while waiting:
        step, waiting = waiting, []
        answers = answered([ask for _, _, asks in step for ask in asks])
        at = 0
        for number, asking, asks in step:
            go_on(number, asking, answers[at : at + len(asks)])
            at += len(asks)
    return results


def lists(*asks: Ask) -> Asking[list[Any]]:
    """Some lists, as a selector that asks for just them."""
    return list((yield asks))


def answered(asks: Sequence[Ask]) -> list[Any]:
    """What these find: one prepared statement; none for no asks."""
    if not asks:
        return []
    if len(asks) == 1:
        return [asks[0].read(sql.prepared(asks[0].select, asks[0].params))]
    params: dict[str, Any] = {}
    places: dict[tuple[str, int], str] = {}
    renamed = []
    for ask in asks:
        for name, value in ask.params.items():
            # One list that several ask about is sent once.
            new = name if name in SHARED else places.setdefault((name, id(value)), f"{name}_{len(places)}")
            params[new] = value
            renamed.append(new)
    statement = _together(tuple((ask.select, *ask.params) for ask in asks), tuple(renamed))
    (row,) = sql.prepared(statement, params)
    return [ask.read(rows) for ask, rows in zip(asks, row, strict=True)]


@lru_cache(maxsize=256)
def _together(selects: tuple[tuple[str, ...], ...], renamed: tuple[str, ...]) -> str:
    """One SELECT with an array of rows for each; of each its text and the names of its parameters, then all their new names."""
    names, parts = iter(renamed), []
    for select, *old in selects:
        new = {name: next(names) for name in old}
        told = _NAME.sub(lambda found, new=new: f"%({new[found[1]]})s", select)  # type: ignore[misc]
        parts.append(f"array(SELECT q FROM ({told}) q)")  # noqa: S608  (selectors' own statements)
    return f"SELECT {', '.join(parts)}"
