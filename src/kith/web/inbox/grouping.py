"""What belongs together: join conversations, split them, move messages, begin to read anew. All but the last can be undone."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.conversations.models import ConversationScope
from kith.conversations.selectors import ConversationView, message_ids_from
from kith.conversations.services import actions, attention
from kith.core.fields import as_uuid
from kith.teams.errors import NotAllowed
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.inbox.actions import CHANGED, refreshed
from kith.web.inbox.compose import conversation_or_404
from kith.web.inbox.talk import back_to
from kith.workspace.inbox import InboxRow, inbox_rows
from kith.workspace.search import search_messages

NOBODY = uuid.UUID(int=0)
SHOWN = 12


def _candidates(request: SignedIn, conversation: ConversationView, text: str) -> tuple[InboxRow, ...]:
    """Other conversations: of the same person, newest first, or those in which a text is found."""
    rows = ConversationScope.objects.filter(scope_id__in=request.viewer.scope_ids).exclude(
        conversation_id=conversation.id
    )
    if text:
        hits = search_messages(request.viewer, text, limit=40).hits
        wanted = list(dict.fromkeys(hit.conversation_id for hit in hits))
        found = {row.conversation_id: row.pk for row in rows.filter(conversation_id__in=wanted)}
        keys = [found[key] for key in wanted if key in found]
    else:
        people = {t.identity_id for t in conversation.threads} | {
            conversation.person.id if conversation.person else None
        }
        near = rows.filter(identity_id__in=people - {None}).order_by("-last_at")
        keys = list({row.conversation_id: row.pk for row in near[:40]}.values())
    return inbox_rows(request.viewer, keys[:SHOWN])


def _chooser(request: SignedIn, conversation_id: uuid.UUID, **context: Any) -> HttpResponse:
    found = conversation_or_404(request, conversation_id)
    text = request.GET.get("q", "").strip()[:300]
    rows = _candidates(request, found, text)
    template = "inbox/choose_rows.html" if "q" in request.GET else "inbox/choose.html"
    return pages.part(
        request, template, {"conversation_id": conversation_id, "rows": rows, "q": text, **context}
    )


@writers
def join(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """GET asks which one (`q` searches); POST `other`: what stands there comes here."""
    if request.method != "POST":
        return _chooser(request, conversation_id, message="", action=reverse("join", args=[conversation_id]))
    conversation_or_404(request, conversation_id)
    other = as_uuid(request.POST.get("other", "")) or NOBODY
    try:
        done = actions.conversation_join(request.viewer, into=conversation_id, other=other)
    except (actions.ActionError, NotAllowed) as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    response = refreshed(request, conversation_id)
    return pages.with_toast(response, _("Joined"), undo=reverse("undo", args=[done.batch_id]))


@require_POST
@writers
def split(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST `message`: it and what stands after it become a conversation of their own."""
    conversation_or_404(request, conversation_id)
    key = as_uuid(request.POST.get("message", "")) or NOBODY
    return _apart(request, conversation_id, message_ids_from(request.viewer, conversation_id, key), None)


@writers
def move(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """GET asks whereto (`q` searches); POST `message` and `other`: one message goes there."""
    if request.method != "POST":
        message = request.GET.get("message", "")
        return _chooser(
            request,
            conversation_id,
            message=str(as_uuid(message) or ""),
            action=reverse("move", args=[conversation_id]),
        )
    conversation_or_404(request, conversation_id)
    key, other = as_uuid(request.POST.get("message", "")), as_uuid(request.POST.get("other", ""))
    return _apart(request, conversation_id, [key] if key else [], other or NOBODY)


def _apart(
    request: SignedIn, conversation_id: uuid.UUID, ids: list[uuid.UUID], to: uuid.UUID | None
) -> HttpResponse:
    try:
        done = actions.conversation_split(request.viewer, conversation_id, message_ids=ids, to=to)
    except (actions.ActionError, NotAllowed) as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    there = reverse("conversation", args=[done.conversation_ids[-1]])
    said = _("Moved") if to else _("Split off")
    undo = reverse("undo", args=[done.batch_id])
    response = refreshed(request, conversation_id)
    if not response.content:
        response = HttpResponse(headers={**CHANGED, "HX-Redirect": there})
    return pages.with_toast(response, said, undo=undo, link=(there, _("Open it")))


@require_POST
@writers
def unread(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST `message`: unread from there on, or as a whole without one. The conversation is closed on the screen."""
    conversation_or_404(request, conversation_id)
    key = as_uuid(request.POST.get("message", ""))
    if key is None:
        attention.seen_unmark(request.viewer, [conversation_id])
    else:
        attention.seen_rewind(request.viewer, conversation_id, key)
    back = back_to(request)
    response = HttpResponse(headers={**CHANGED, "HX-Push-Url": back})
    response.write('<hx-partial hx-target="#conversation" hx-swap="outerHTML">')
    response.write(pages.part(request, "inbox/nothing_open.html", {}).content.decode())
    response.write('</hx-partial><hx-partial hx-target="#person" hx-swap="outerHTML">')
    response.write('<aside id="person" class="sheet" hidden></aside></hx-partial>')
    return pages.with_toast(response, _("Unread again"))
