# ruff: noqa: S608  (the parts are constants of `workspace`; every value is a parameter)
"""How many conversations a list holds, for what is done with all of them."""

from __future__ import annotations

from typing import Any

from kith.core import sql
from kith.teams.types import Viewer
from kith.workspace.inbox import _list_sql, _query
from kith.workspace.inbox_view import InboxView
from kith.workspace.unsent_sql import UNSENT_COUNT


def inbox_total(viewer: Viewer, view: InboxView, *, most: int) -> int:
    """Counted up to one more than `most`."""
    params: dict[str, Any]
    if view.kind == "unsent":
        text, params = UNSENT_COUNT, {"scopes": list(viewer.scope_ids), "cap": most + 1}
    else:
        query = _query(viewer, view)
        text = _list_sql(query, view, after=False, columns="b.conversation_id")
        params = {**query.params, "limit": most + 1}
    return int(sql.rows(f"SELECT count(*) FROM ({text}) counted", params)[0][0])
