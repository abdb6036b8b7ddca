"""Search over everything, all time: messages by conversation, people, notes and files."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from kith.web import pages
from kith.web.access import SignedIn, reading, signed_in
from kith.web.search.words import address, chips, examples, filters
from kith.workspace.search import SearchPage, search_messages
from kith.workspace.search_groups import files_found, files_of, notes_found, people_found, talks_of
from kith.workspace.search_query import part_text, search_parse

KINDS = ("", "messages", "people", "notes", "files")
ADDED = ("from", "to", "before", "after")
FEW = 4
MOST_PEOPLE = 50


@reading
@signed_in
def search(request: SignedIn) -> HttpResponse:
    """GET `q`, `kind` (what of it) and `cursor`; `?part=rows` answers with the next rows alone.

    The small forms at the side send `add` (a filter's name) and `value`, which are put into `q`.
    """
    text, kind = request.GET.get("q", "").replace("\x00", " ").strip()[:500], request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    added = [
        part_text(name, value)
        for name in ADDED
        if (value := request.GET.get(f"add_{name}", "").strip()[:100])
    ]
    if added:
        return HttpResponseRedirect(address(" ".join([text, *added]).strip(), kind))
    query = search_parse(text + " ")
    context: dict[str, Any] = {
        "q": text,
        "kind": kind,
        "problems": query.problems,
        "asked": not query.is_empty,
    }
    context |= _found(request, text, kind) if context["asked"] else _found_nothing()
    if request.GET.get("part") == "rows" and pages.wants_fragment(request):
        return pages.part(request, "search/rows.html", context)
    context |= {
        "tabs": _tabs(text, kind),
        "chips": chips(text, kind),
        "filters": filters(text, kind),
        "examples": examples(),
        "clear": address(""),
    }
    return pages.page(request, "search/search.html", context, section="search")


def _tabs(text: str, kind: str) -> list[dict[str, Any]]:
    names = (_("Everything"), _("Messages"), _("People"), _("Notes"), _("Files"))
    return [
        {"text": name, "href": address(text, value), "current": kind == value}
        for value, name in zip(KINDS, names, strict=True)
    ]


def _found_nothing() -> dict[str, Any]:
    return {"talks": (), "people": [], "notes": (), "files": (), "more_url": "", "nothing": False}


def _found(request: SignedIn, text: str, kind: str) -> dict[str, Any]:
    viewer, cursor = request.viewer, request.GET.get("cursor")
    found, next_cursor = _found_nothing(), None
    if kind == "people":
        found["people"] = people_found(text, limit=MOST_PEOPLE)
    elif kind == "notes":
        notes = notes_found(viewer, text, cursor=cursor)
        found["notes"], next_cursor = notes.notes, notes.next_cursor
    elif kind == "files":
        files = files_found(viewer, text, cursor=cursor)
        found["files"], next_cursor = files.files, files.next_cursor
    else:
        page: SearchPage = search_messages(viewer, text, cursor=cursor)
        found["talks"], next_cursor = talks_of(page.hits), page.next_cursor
        if not kind and not cursor:
            found["people"] = people_found(text, limit=FEW + 2)
            found["notes"] = notes_found(viewer, text, limit=FEW).notes
            found["files"] = files_of(page.hits, page.query)[:FEW]
    found["more_url"] = address(text, kind, cursor=next_cursor, part="rows") if next_cursor else ""
    found["more_page_url"] = address(text, kind, cursor=next_cursor) if next_cursor else ""
    found["nothing"] = not cursor and not any(found[k] for k in ("talks", "people", "notes", "files"))
    return found
