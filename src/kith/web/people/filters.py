"""What narrows the list of people: from an address to what it means, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kith.core.fields import as_number, as_uuid
from kith.workspace.people_list import SORTS, PeopleView

if TYPE_CHECKING:
    from django.http import QueryDict

LAST = (0, 7, 30, 90, 365, -90, -365)


def view_of(get: QueryDict) -> PeopleView:
    """The view that a query names; what it says wrongly is as if it were not said."""
    last = as_number(get.get("last", ""))
    owner = get.get("owner", "")
    key = as_uuid(owner)
    sort = get.get("sort", "name")
    return PeopleView(
        search=get.get("q", "").replace("\x00", "").strip()[:300],
        tag=get.get("tag", "").replace("\x00", "")[:60],
        organization_id=as_uuid(get.get("org", "")),
        network=get.get("channel", "").replace("\x00", "")[:40],
        owner=str(key) if key else ("none" if owner == "none" else ""),
        last=last if last in LAST else 0,
        sort=sort if sort in SORTS else "name",
    )


def query_of(view: PeopleView) -> dict[str, str]:
    values = {
        "q": view.search,
        "tag": view.tag,
        "org": str(view.organization_id or ""),
        "channel": view.network,
        "owner": view.owner,
        "last": str(view.last or ""),
        "sort": view.sort if view.sort != "name" else "",
    }
    return {key: value for key, value in values.items() if value}
