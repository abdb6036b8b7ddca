"""A file of monitors (TOML): `[[monitor]]` with a name and a query each."""

from __future__ import annotations

import tomllib
from typing import Any, Final

from kith.queries.nodes import Query, QueryError
from kith.queries.parser import parse

MOST_CHARACTERS: Final = 50_000_000
MOST_MONITORS: Final = 100_000
LONGEST_NAME: Final = 200
MOST_TOLD: Final = 20
_EXAMPLE: Final = '[[monitor]]\nname = "bikes"\nquery = "bike OR cycling"'


class MonitorsError(ValueError):
    """What is wrong with the file: every monitor that can't be used, and where."""


def load(text: str) -> dict[str, Query]:
    """Queries by their monitors' names, in the file's order."""
    if len(text) > MOST_CHARACTERS:
        raise MonitorsError(f"The file has more than {MOST_CHARACTERS:,} characters. Split it.")
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MonitorsError(f"This is not TOML: {error or 'it is nested too deep'}.") from error
    tables = given.get("monitor")
    other = sorted(given.keys() - {"monitor"})
    if other:
        raise MonitorsError(
            f"“{other[0]}” has no place here. The file has [[monitor]] tables only:\n{_EXAMPLE}"
        )
    if not isinstance(tables, list) or not tables:
        raise MonitorsError(f"There is no monitor in this file. One is written so:\n{_EXAMPLE}")
    if len(tables) > MOST_MONITORS:
        raise MonitorsError(
            f"A file has at most {MOST_MONITORS:,} monitors, and this one has {len(tables):,}."
        )
    found: dict[str, Query] = {}
    wrong: list[str] = []
    for number, table in enumerate(tables, 1):
        try:
            name, query = _one(table, found)
        except MonitorsError as error:
            wrong.append(f"{_called(number, table)}: {error}")
            continue
        found[name] = query
    if wrong:
        more = [f"and {len(wrong) - MOST_TOLD:,} more"] if len(wrong) > MOST_TOLD else []
        raise MonitorsError("\n".join([*wrong[:MOST_TOLD], *more]))
    return found


def _called(number: int, table: Any) -> str:
    name = table.get("name") if isinstance(table, dict) else None
    return (
        f"monitor {number} “{name}”"
        if isinstance(name, str) and len(name) <= LONGEST_NAME
        else f"monitor {number}"
    )


def _one(table: Any, known: dict[str, Query]) -> tuple[str, Query]:
    if not isinstance(table, dict):
        raise MonitorsError(f"A monitor is a table with a name and a query:\n{_EXAMPLE}")
    other = sorted(table.keys() - {"name", "query"})
    if other:
        raise MonitorsError(f"“{other[0]}” has no place here; a monitor has a name and a query.")
    name, query = table.get("name"), table.get("query")
    if not isinstance(name, str) or not name.strip():
        raise MonitorsError('It has no name. Write one, as in name = "bikes".')
    if len(name) > LONGEST_NAME:
        raise MonitorsError(f"Its name is longer than {LONGEST_NAME} characters.")
    if name in known:
        raise MonitorsError(
            "Another monitor has this name. What is found could not be told apart; change one of them."
        )
    if not isinstance(query, str):
        raise MonitorsError('It has no query. Write one, as in query = "bike OR cycling".')
    try:
        return name, parse(query)
    except QueryError as error:
        raise MonitorsError(f"character {error.position + 1}: {error}\n{pointed(query, error)}") from error


def pointed(query: str, error: QueryError) -> str:
    """The line of the query that is wrong, with marks below the place."""
    begin = query.rfind("\n", 0, error.position) + 1
    line = query[begin:].split("\n", 1)[0]
    at = error.position - begin
    cut = max(0, at - 60)
    shown = line[cut : cut + 120]
    marks = max(1, min(error.length, len(shown) - (at - cut)))
    return f"    {shown}\n    {' ' * (at - cut)}{'^' * marks}"
