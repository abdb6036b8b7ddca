"""The inbox: lists and the open conversation. Each address answers with the page, or with the part that htmx asks for."""

from __future__ import annotations

import uuid
from dataclasses import replace

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from kith.base.clock import now
from kith.conversations.models import Presence, Thread
from kith.conversations.selectors import conversation_get, conversation_messages
from kith.core import live
from kith.web import pages
from kith.web.access import SignedIn, signed_in
from kith.web.inbox.filters import filters_of
from kith.web.inbox.lists import list_context
from kith.web.inbox.talk import Talk, mark_seen, open_talk, talk_head, with_messages


@signed_in
def home(request: SignedIn) -> HttpResponse:
    return HttpResponseRedirect(reverse("inbox"))


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


@signed_in
def conversation(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """A conversation; for htmx its pane and the person's, else the page with the list that it was opened from."""
    talk = found_or_404(open_talk(request, conversation_id))
    mark_seen(request, conversation_id)
    query = query_of(request)
    if pages.wants_fragment(request):
        context = {"talk": talk, "query": query}
        response = pages.part(request, "inbox/conversation.html", context)
        response.write(pages.part(request, "inbox/person_partial.html", context).content.decode())
        return response
    key = request.GET.get("in") or "inbox"
    context = list_context(request, key, request.GET.get("status", ""), open_id=conversation_id)
    return pages.page(request, "inbox/page.html", {**context, "talk": talk}, section=key)


@signed_in
def head(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    found = conversation_get(request.viewer, conversation_id)
    if found is None:
        raise Http404
    return pages.part(
        request, "inbox/head.html", {"talk": talk_head(request, found), "query": query_of(request)}
    )


@signed_in
def messages(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """The stream again, or with `?before=` the items above it."""
    found = conversation_get(request.viewer, conversation_id)
    if found is None:
        raise Http404
    context = {"query": query_of(request)}
    if before := request.GET.get("before"):
        page = conversation_messages(request.viewer, conversation_id, before=before)
        head_of = talk_head(request, found)
        talk = replace(head_of, items=page.items, before=page.before)
        return pages.part(request, "inbox/stream_items.html", {**context, "talk": talk})
    mark_seen(request, conversation_id)
    talk = with_messages(request, talk_head(request, found))
    return pages.part(request, "inbox/stream.html", {**context, "talk": talk})


@signed_in
def presence(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST: I look at this conversation, and perhaps write (`typing`)."""
    if request.method != "POST" or conversation_get(request.viewer, conversation_id) is None:
        raise Http404
    live.here_note(request.user.pk)
    row, made = Presence.objects.get_or_create(
        user=request.user, conversation_id=conversation_id, defaults={"seen_at": now()}
    )
    typing = bool(request.POST.get("typing"))
    changed = made or row.typing != typing or (now() - row.seen_at).total_seconds() > 30
    Presence.objects.filter(pk=row.pk).update(typing=typing, seen_at=now())
    if changed:
        presence_tell(conversation_id)
    return HttpResponse(status=204)


def presence_tell(conversation_id: uuid.UUID) -> None:
    scopes = (
        Thread.objects.filter(conversation_id=conversation_id).values_list("scope_id", flat=True).distinct()
    )
    live.tell_scopes("presence", [(conversation_id, scope) for scope in scopes])
