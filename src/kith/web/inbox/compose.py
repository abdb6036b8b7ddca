"""Answering: drafts kept as they are typed, the gate's verdict beside the button, sending, and not twice."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.channels.answers import AnswerClash, answer_send
from kith.channels.compose import with_facts
from kith.channels.outbox import OutboxError, OutgoingFile, SendResult
from kith.channels.settle import approval_ask
from kith.conversations.models import Message, MessageCopy
from kith.conversations.selectors import ConversationView, conversation_get
from kith.conversations.services import actions, drafts
from kith.core import blobs
from kith.core.fields import as_uuid
from kith.teams.errors import NotAllowed
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.inbox.actions import moment_of, refreshed
from kith.web.inbox.box import (
    MODES,
    Box,
    box_of,
    draft_begin,
    draft_keep,
    files_to_send,
    typed_of,
    ways_for,
)
from kith.web.inbox.talk import talk_head
from kith.web.inbox.views import query_of
from kith.web.inbox.ways import NOTE, Typed, Way, advice_of_way, compose_of, find_way

MOST_FILES, MOST_BYTES = 20, 25 * 1024 * 1024


def conversation_or_404(request: SignedIn, conversation_id: uuid.UUID) -> ConversationView:
    found = conversation_get(request.viewer, conversation_id)
    if found is None or not found.may_write:
        raise Http404
    return found


def _mode(request: SignedIn) -> str:
    mode = request.POST.get("mode", "") or request.GET.get("mode", "")
    return mode if mode in MODES else "reply"


def box_part(
    request: SignedIn, conversation: ConversationView, box: Box, *, status: int = 200
) -> HttpResponse:
    talk = replace(talk_head(request, conversation), box=box)
    return pages.part(
        request, "inbox/composer.html", {"talk": talk, "query": query_of(request)}, status=status
    )


def box_partial(request: SignedIn, conversation_id: uuid.UUID, *, mode: str = "", focus: bool = False) -> str:
    """The box, to be put in its place by an answer that is about something else."""
    found = conversation_get(request.viewer, conversation_id)
    if found is None:
        return ""
    part = box_part(request, found, box_of(request, found, mode=mode, focus=focus)).content.decode()
    return f'<hx-partial hx-target="#composer" hx-swap="outerHTML">{part}</hx-partial>'


@require_POST
@writers
def begin(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """The box for another purpose. POST `begin` (reply, forward); `message` is answered (by `all`: with all who got it) or forwarded;
    without one the box answers the conversation again. What was typed stays."""
    found = conversation_or_404(request, conversation_id)
    mode, was = ("forward" if request.POST.get("begin") == "forward" else "reply"), _mode(request)
    typed = typed_of(request.POST) if was == "reply" else Typed()
    key = as_uuid(request.POST.get("message", ""))
    if key is not None:
        seen = MessageCopy.objects.filter(
            message_id=key, thread__conversation_id=conversation_id, scope_id__in=request.viewer.scope_ids
        ).exists()
        message = Message.objects.select_related("sender").filter(pk=key).first() if seen else None
        if message is None or message.direction == Message.Direction.NOTE:
            raise Http404
        if mode == "forward" and was == "reply" and typed.text.strip():
            _keep(request, conversation_id, "reply", typed)
        draft_begin(request, found, mode, message, typed, to_all=bool(request.POST.get("all")))
    elif was == "forward":
        drafts.draft_delete(request.viewer, conversation_id=conversation_id, mode="forward")
    else:
        _keep(request, conversation_id, mode, replace(typed, reply_to=None, to="", cc="", bcc="", subject=""))
    found = conversation_or_404(request, conversation_id)
    return box_part(request, found, box_of(request, found, mode=mode, focus=True))


def _keep(request: SignedIn, conversation_id: uuid.UUID, mode: str, typed: Typed) -> None:
    via, began = request.POST.get("via", ""), request.POST.get("began", "")
    draft_keep(request, conversation_id, mode, typed, via=via, began=began)


@require_POST
@writers
def draft(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """Keep what is being typed; an empty text forgets it. Answers with what the gate would say, and what is left to do."""
    found = conversation_or_404(request, conversation_id)
    mode, typed = _mode(request), typed_of(request.POST)
    _keep(request, conversation_id, mode, typed)
    ways, _visit = ways_for(request, found, mode)
    way = find_way(ways, request.POST.get("via", ""))
    says = advice_of_way(request, found, way, typed, ways)
    return pages.part(
        request,
        "inbox/advice.html",
        {"way": way, "advice": says, "conversation_id": conversation_id, "urgent": typed.urgent},
    )


@require_POST
@writers
def draft_files(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST `files` to add them to the draft, `remove` one, `alt-<key>` to describe them. Answers with the list of them."""
    found = conversation_or_404(request, conversation_id)
    mode = _mode(request)
    row = drafts.draft_get(request.viewer, conversation_id=conversation_id, mode=mode)
    kept = list(row.attachments) if row else []
    error, added = "", []
    try:
        added = [_kept(f) for f in files_of(uploads_of(request), kept)]
    except OutboxError as problem:
        error = str(problem)
    if row is None:
        _keep(request, conversation_id, mode, typed_of(request.POST))
    files = drafts.draft_files_change(
        request.viewer,
        conversation_id=conversation_id,
        mode=mode,
        add=added,
        remove=request.POST.get("remove", "") or "-",
        alt_texts={
            key.removeprefix("alt-"): str(value)
            for key, value in request.POST.items()
            if key.startswith("alt-")
        },
    )
    way = find_way(ways_for(request, found, mode)[0], request.POST.get("via", ""))
    context = {"files": files, "way": way, "conversation_id": conversation_id, "error": error}
    return pages.part(request, "inbox/draft_files.html", context)


def _kept(file: OutgoingFile) -> Mapping[str, Any]:
    return {
        "digest": file.digest,
        "file_name": file.file_name,
        "content_type": file.content_type,
        "size": file.size,
        "alt_text": file.alt_text,
    }


def uploads_of(request: SignedIn) -> list[UploadedFile[bytes]]:
    return [f for f in request.FILES.getlist("files") if isinstance(f, UploadedFile)]


def files_of(
    uploads: list[UploadedFile[bytes]], kept: list[dict[str, Any]] | None = None
) -> tuple[OutgoingFile, ...]:
    """Store uploaded files; with those `kept` already they must not be too many or too large. Raises OutboxError."""
    there = kept or []
    if len(uploads) + len(there) > MOST_FILES:
        raise OutboxError(_("At most %(most)s files at once.") % {"most": MOST_FILES})
    if sum(upload.size or 0 for upload in uploads) + sum(int(f["size"]) for f in there) > MOST_BYTES:
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


@require_POST
@writers
def reply(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST what the box holds, perhaps `send_at`, `close`; `confirm` says which clash was shown already. Answers with the
    box, empty again, or with what is wrong or who was faster."""
    found = conversation_or_404(request, conversation_id)
    mode, via, typed = _mode(request), request.POST.get("via", ""), typed_of(request.POST)
    way = find_way(ways_for(request, found, mode)[0], via)
    undo, said, until = "", _("Note added"), None
    try:
        if way is None or (via and way.value != via):
            raise OutboxError(_("This way of answering is gone. Choose another."))
        row = drafts.draft_get(request.viewer, conversation_id=conversation_id, mode=mode)
        kept = list(row.attachments) if row else []
        files = files_to_send(way, kept) + files_of(uploads_of(request), kept)
        if way.value == NOTE:
            actions.note_add(request.viewer, conversation_id, text=typed.text)
        else:
            sent = _send(request, found, way, typed, files)
            undo = reverse("message_unsend", args=[sent.message_id]) if sent else ""
            said, until = _told(request, sent)
        if request.POST.get("close"):
            actions.conversations_close(request.viewer, [conversation_id])
    except (AnswerClash, OutboxError, actions.ActionError, NotAllowed, ValueError) as error:
        _keep(request, conversation_id, mode, typed)
        clash = error.clash if isinstance(error, AnswerClash) else None
        again = box_of(
            request,
            found,
            mode=mode,
            typed=typed,
            via=via,
            began=_began(request),
            clash=clash,
            error="" if clash else str(error),
        )
        if once := request.POST.get("once", ""):
            again = replace(again, once=once[:64])
        return box_part(request, found, again, status=422)
    drafts.draft_delete(request.viewer, conversation_id=conversation_id, mode=mode)
    now_open = conversation_or_404(request, conversation_id)
    response = box_part(
        request, now_open, box_of(request, now_open, mode="reply", via="" if mode == "forward" else via)
    )
    response.headers["HX-Trigger"] = "kith:changed"
    response.write(refreshed(request, conversation_id).content.decode())
    return pages.with_toast(response, said, undo=undo, until=until)


def _began(request: SignedIn) -> str:
    return request.POST.get("began", "")[:40]


def _send(
    request: SignedIn, found: ConversationView, way: Way, typed: Typed, files: tuple[OutgoingFile, ...]
) -> SendResult | None:
    reason = override_reason(request)
    compose = replace(
        compose_of(request, found, way, typed, final=True),
        files=files,
        send_at=moment_of(request, "send_at"),
        override_reason=reason,
    )
    compose, _facts = with_facts(compose, request.viewer)
    sent = answer_send(
        request.viewer,
        compose,
        began=as_uuid(_began(request)),
        seen=as_uuid(request.POST.get("seen", "")),
        confirmed=request.POST.get("confirm", "")[:40],
        once=request.POST.get("once", ""),
    )
    if sent is not None and request.POST.get("ask_manager"):
        approval_ask(request.viewer, sent.message_id)
    return sent


def override_reason(request: SignedIn) -> str:
    """Why it goes all the same, where that was pressed; "" otherwise. Raises OutboxError without a reason."""
    if not request.POST.get("anyway"):
        return ""
    reason = " ".join(request.POST.get("reason", "").split())[:500]
    if not reason:
        raise OutboxError(_("Say why it may go all the same."))
    return reason


def _told(request: SignedIn, sent: SendResult | None) -> tuple[str, Any]:
    """What the toast says, and until when the message can be taken back."""
    if sent is None:
        return _("It was sent already."), None
    if sent.verdict.outcome == "hold" and request.POST.get("ask_manager"):
        return _("It waits. Those who manage were asked."), None
    if sent.verdict.outcome != "allow":
        return _("Held back: %(why)s") % {"why": sent.verdict.sentence}, None
    if request.POST.get("send_at"):
        return _("Planned"), None
    return _("On its way"), sent.undo_until
