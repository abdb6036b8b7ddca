"""The list of a mailing: people picked one by one, or all that a view of the list of people matches."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

from kith.campaigns.models import Mailing
from kith.contacts.models import Contact
from kith.core.fields import as_uuid
from kith.teams.selectors import viewer_of
from kith.teams.types import Viewer
from kith.workspace.people_list import PeopleView, people_ids

MOST = 1_000_000


def list_of_view(view: PeopleView) -> dict[str, Any]:
    """A view as it is kept with a mailing; read again when the mailing is checked."""
    kept = {key: value for key, value in asdict(view).items() if value and key != "sort"}
    if view.organization_id:
        kept["organization_id"] = str(view.organization_id)
    return {"view": kept}


def list_of_people(contact_ids: list[uuid.UUID]) -> dict[str, Any]:
    return {"ids": [str(key) for key in contact_ids]}


def view_of_list(people: dict[str, Any]) -> PeopleView:
    kept = dict(people.get("view", {}))
    kept["organization_id"] = as_uuid(kept.get("organization_id", ""))
    return PeopleView(**kept)


def resolve(mailing: Mailing) -> list[uuid.UUID]:
    """Ids of canonical contacts, each once. A view is its author's: what they may not see, it does not narrow by."""
    if "ids" in mailing.people:
        given = [key for text in mailing.people["ids"] if (key := as_uuid(text))]
        found = Contact.objects.filter(pk__in=given, canonical__deleted_at=None)
        return sorted(set(found.values_list("canonical_id", flat=True)))
    if "view" not in mailing.people:
        return []
    viewer = viewer_of(mailing.author) if mailing.author else Viewer(uuid.UUID(int=0), "viewer", (), ())
    return people_ids(viewer, view_of_list(mailing.people), limit=MOST)


def size_of(mailing: Mailing) -> int:
    """How many people are on the list now."""
    if "ids" in mailing.people:
        return len(resolve(mailing))
    return mailing.total if mailing.checked_at else len(resolve(mailing))
