"""Answering: drafts kept as they are typed, the gate's verdict beside the button, sending, taking back."""

from __future__ import annotations

import uuid
from dataclasses import replace

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.channels.outbox import OutboxError, OutgoingFile, message_send, message_unsend
from kith.conversations.models import Draft, Message
from kith.conversations.selectors import ConversationView, conversation_get, message_visible
from kith.conversations.services import actions
from kith.core import blobs
from kith.teams.errors import NotAllowed
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.inbox.actions import moment_of, refreshed
from kith.web.inbox.talk import NOTE, compose_of, find_way, talk_head, verdict_of, ways_of, with_composer
from kith.web.inbox.views import query_of

MOST_FILES, MOST_BYTES = 20, 25 * 1024 * 1024


def _conversation(request: SignedIn, conversation_id: uuid.UUID) -> ConversationView:
    found = conversation_get(request.viewer, conversation_id)
    if found is None or not found.may_write:
        raise Http404
    return found


@require_POST
@writers
def draft(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """Keep what is being typed; an empty text forgets it."""
    _conversation(request, conversation_id)
    text = request.POST.get("text", "")[:100_000]
    if not text.strip():
        Draft.objects.filter(user=request.user, conversation_id=conversation_id, mode="reply").delete()
        return HttpResponse(status=204)
    Draft.objects.update_or_create(
        user=request.user,
        conversation_id=conversation_id,
        mode="reply",
        defaults={"body": text, "recipients": {"via": request.POST.get("via", "")[:200]}},
    )
    return HttpResponse(status=204)


@writers
def verdict(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """GET `via` and `text`: what the gate would say."""
    found = _conversation(request, conversation_id)
    way = find_way(ways_of(found), request.GET.get("via", ""))
    says = verdict_of(request, found, way, request.GET.get("text", ""))
    talk = replace(talk_head(request, found), verdict=says)
    return pages.part(request, "inbox/verdict.html", {"talk": talk})


def files_of(uploads: list[UploadedFile[bytes]]) -> tuple[OutgoingFile, ...]:
    if len(uploads) > MOST_FILES:
        raise OutboxError(_("At most %(most)s files at once.") % {"most": MOST_FILES})
    if sum(upload.size or 0 for upload in uploads) > MOST_BYTES:
        raise OutboxError(_("These files are too large to send: 25 MB together at most."))
    found = []
    for upload in uploads:
        digest, size = blobs.put(upload.chunks())
        found.append(
            OutgoingFile(
                digest, (upload.name or "file")[:300], upload.content_type or "application/octet-stream", size
            )
        )
    return tuple(found)


def _composer(
    request: SignedIn, conversation_id: uuid.UUID, *, text: str | None = None, error: str = "", via: str = ""
) -> HttpResponse:
    found = _conversation(request, conversation_id)
    talk = replace(with_composer(request, talk_head(request, found), text=text, via=via), error=error)
    context = {"talk": talk, "query": query_of(request)}
    return pages.part(request, "inbox/composer.html", context, status=422 if error else 200)


@require_POST
@writers
def reply(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST `via`, `text`, `files`, perhaps `send_at`, `close`, `all`. Answers with the box, empty again, or its error."""
    found = _conversation(request, conversation_id)
    text, via = request.POST.get("text", ""), request.POST.get("via", "")
    way = find_way(ways_of(found), via)
    undo, said = "", _("Note added")
    try:
        if via and way.value != via:
            raise OutboxError(_("This way of answering is gone. Choose another."))
        if way.value == NOTE:
            actions.note_add(request.viewer, conversation_id, text=text)
        else:
            compose = compose_of(request, found, way, text, everybody=bool(request.POST.get("all")))
            sent = message_send(
                replace(
                    compose,
                    files=files_of(request.FILES.getlist("files")),
                    send_at=moment_of(request, "send_at"),
                )
            )
            undo = reverse("message_unsend", args=[sent.message_id])
            later = bool(request.POST.get("send_at"))
            held = sent.verdict.outcome != "allow"
            said = (
                _("Planned")
                if later
                else (_("Held back: %(why)s") % {"why": sent.verdict.sentence} if held else _("On its way"))
            )
        if request.POST.get("close"):
            actions.conversations_close(request.viewer, [conversation_id])
    except (OutboxError, actions.ActionError, NotAllowed, ValueError) as error:
        return _composer(request, conversation_id, text=text, error=str(error), via=via)
    Draft.objects.filter(user=request.user, conversation_id=conversation_id, mode="reply").delete()
    response = _composer(request, conversation_id, via=via)
    response.headers["HX-Trigger"] = "kith:changed"
    response.write(refreshed(request, conversation_id).content.decode())
    return pages.with_toast(response, said, undo=undo)


@require_POST
@writers
def unsend(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """Take a message back while it waits; what it said returns into the box."""
    message = Message.objects.filter(pk=message_id).first()
    if message is None or not message_visible(request.viewer, message_id):
        raise Http404
    if message.author_id != request.user.pk and not request.user.manages:
        raise Http404
    copy = message.copies.select_related("thread").first()
    if copy is None or not message_unsend(message=message):
        return pages.with_toast(HttpResponse(), _("Too late: it has been sent."), kind="error")
    where = copy.thread.conversation_id
    if not Draft.objects.filter(user=request.user, conversation_id=where, mode="reply").exists():
        Draft.objects.create(user=request.user, conversation_id=where, mode="reply", body=message.text)
    response = refreshed(request, where)
    response.write('<hx-partial hx-target="#composer" hx-swap="outerHTML">')
    response.write(_composer(request, where).content.decode())
    response.write("</hx-partial>")
    return pages.with_toast(response, _("Taken back. It was not sent."))
