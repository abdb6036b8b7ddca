"""The inbox: lists and the open conversation. Each address answers with the page, or with the part that htmx asks for."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse

from kith.conversations.selectors import conversation_asking, conversation_scopes
from kith.conversations.services import attention
from kith.core import live
from kith.core.asking import asked_together
from kith.web import pages
from kith.web.access import SignedIn, reading, signed_in
from kith.web.inbox.filters import filters_of
from kith.web.inbox.lists import list_context, view_of
from kith.web.inbox.talk import Talk, menus_asking, open_talk, talk_head, talk_with_messages


@signed_in
def home(request: SignedIn) -> HttpResponse:
    return HttpResponseRedirect(reverse("inbox"))


@reading
@signed_in
def inbox_list(request: SignedIn, key: str = "inbox") -> HttpResponse:
    """A list of conversations; `?part=rows` the next rows, `?part=list` the rows again, `?cursor=` a later page."""
    status, part = request.GET.get("status", ""), request.GET.get("part", "")
    try:
        context = list_context(request, key, status, cursor=request.GET.get("cursor"))
    except Http404:
        if part == "list" and key.startswith("saved-") and pages.wants_fragment(request):
            return HttpResponse(
                status=204
            )  # deleted while it is on screen: it stays until one goes elsewhere
        raise
    if part in ("rows", "list") and pages.wants_fragment(request):
        return pages.part(
            request, "inbox/row_items.html" if part == "rows" else "inbox/rows_list.html", context
        )
    return pages.page(request, "inbox/page.html", context, section=key)


@reading
@signed_in
def nav(request: SignedIn) -> HttpResponse:
    """The entries of the navigation with their counts, for a refresh."""
    return pages.part(request, "nav_list.html", {}, section=request.GET.get("section", ""))


def found_or_404(talk: Talk | None) -> Talk:
    if talk is None:
        raise Http404
    return talk


def query_of(request: SignedIn) -> dict[str, str]:
    """The list that a conversation was opened from, as parameters of its addresses."""
    return {
        "in": request.GET.get("in", ""),
        "status": request.GET.get("status", ""),
        **filters_of(request.GET),
    }


@reading
@signed_in
def conversation(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """A conversation; for htmx its pane and the person's, else the page with the list that it was opened from."""
    talk = found_or_404(open_talk(request, conversation_id))
    attention.seen_mark(request.viewer, [conversation_id])
    query = query_of(request)
    if pages.wants_fragment(request):
        context = {"talk": talk, "query": query}
        response = pages.part(request, "inbox/conversation.html", context)
        response.write(pages.part(request, "inbox/person_partial.html", context).content.decode())
        return response
    key = _list_of(request)
    context = list_context(request, key, request.GET.get("status", ""), open_id=conversation_id)
    return pages.page(request, "inbox/page.html", {**context, "talk": talk}, section=key)


def _list_of(request: SignedIn) -> str:
    """The list beside a conversation: the one that the address names, or the inbox where there is none such."""
    key = request.GET.get("in") or "inbox"
    try:
        view_of(request, key, "")
        reverse("inbox_view", args=[key])
    except (Http404, NoReverseMatch):
        return "inbox"
    return key


@reading
@signed_in
def head(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    found, menus = asked_together(
        conversation_asking(request.viewer, conversation_id), menus_asking(request.viewer, conversation_id)
    )
    if found is None:
        raise Http404
    context = {"talk": talk_head(request, found, menus), "query": query_of(request)}
    return pages.part(request, "inbox/head_partial.html", context)


@reading
@signed_in
def messages(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """The stream again, or with `?before=` the items above it."""
    talk = found_or_404(talk_with_messages(request, conversation_id))
    context = {"query": query_of(request), "talk": talk}
    if request.GET.get("before"):
        return pages.part(request, "inbox/stream_items.html", context)
    attention.seen_mark(request.viewer, [conversation_id])
    return pages.part(request, "inbox/stream.html", context)


@signed_in
def presence(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST: I look at this conversation, and perhaps write (`typing`); or I have left it (`gone`)."""
    if request.method != "POST" or not conversation_scopes(request.viewer, conversation_id):
        raise Http404
    if request.POST.get("gone"):
        attention.presence_leave(request.viewer, conversation_id)
        return HttpResponse(status=204)
    live.here_note(request.user.pk)
    attention.presence_set(request.viewer, conversation_id, typing=bool(request.POST.get("typing")))
    return HttpResponse(status=204)
