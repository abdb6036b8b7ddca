"""How PostgreSQL runs a prepared statement: its plan is made without knowing the values, so `EXPLAIN` of the text with the
values in it would tell of another one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection
from psycopg import sql

Statement = tuple[str, Mapping[str, Any]]


def statements_of(call: Callable[[], Any]) -> list[Statement]:
    """What `call` asks the database, with named values (the prepared statements of `core.sql`)."""
    found: list[Statement] = []

    def note(execute: Any, statement: Any, params: Any, many: Any, context: Any) -> Any:
        if isinstance(params, Mapping):
            found.append((statement, params))
        return execute(statement, params, many, context)

    with connection.execute_wrapper(note):
        call()
    return found


def nodes(statement: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every node of the plan that a prepared statement runs by, measured."""
    names: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    asked = re.sub(r"%\((\w+)\)s", numbered, statement).replace("%%", "%")
    with connection.cursor() as cursor:
        raw = cursor.cursor.connection
        given = ", ".join(sql.Literal(params[name]).as_string(raw) for name in names)
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE kith_plan AS {asked}")
        try:
            cursor.execute(
                f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE kith_plan{f' ({given})' if given else ''}"
            )
            found = cursor.fetchone()[0]
        finally:
            cursor.execute("DEALLOCATE kith_plan")
    return _walk((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])


def _walk(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in _walk(child))]


def rows_read(plan: list[dict[str, Any]], *tables: str) -> float:
    """How many rows of some tables (all, if none is named) were read, those thrown away included."""
    return float(
        sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            for node in plan
            if "Relation Name" in node and (not tables or node["Relation Name"] in tables)
        )
    )


def whole_tables(plan: list[dict[str, Any]]) -> list[str]:
    """The tables that were read from end to end."""
    return [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"]
