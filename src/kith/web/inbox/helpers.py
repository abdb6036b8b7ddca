"""Help while answering: saved replies, macros, a task from a message."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.conversations.models import Message, MessageCopy
from kith.conversations.selectors import message_items
from kith.conversations.services import actions
from kith.core.fields import as_uuid
from kith.engagement import services as engagement
from kith.engagement.errors import EngagementError
from kith.engagement.selectors import saved_replies
from kith.networks.selectors import manifest_of
from kith.teams.errors import NotAllowed
from kith.teams.selectors import colleagues
from kith.web import pages
from kith.web.access import SignedIn, signed_in, writers
from kith.web.inbox.actions import moment_of, refreshed
from kith.web.inbox.compose import conversation_or_404
from kith.web.inbox.outgoing import where_of
from kith.work.services import WorkError, task_create

NOBODY = uuid.UUID(int=0)


def _insert(request: SignedIn, text: str) -> str:
    """Words for the box, put where the cursor stands."""
    return pages.part(request, "inbox/insert.html", {"text": text}).content.decode()


@writers
def replies(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """GET `q`: saved replies that fit; POST `reply`: its words, filled in for the person who is answered."""
    conversation_or_404(request, conversation_id)
    if request.method != "POST":
        text = request.GET.get("q", "").strip()[:200]
        context = {"replies": saved_replies(request.viewer, search=text)[:30], "q": text}
        return pages.part(request, "inbox/reply_rows.html", {**context, "conversation_id": conversation_id})
    key = as_uuid(request.POST.get("reply", "")) or NOBODY
    try:
        words = engagement.saved_reply_text(request.viewer, key, conversation_id=conversation_id)
    except NotAllowed as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    return HttpResponse(_insert(request, words))


@require_POST
@writers
def macro(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST `macro`: do its steps; what it answers is put into the box, for a person to send."""
    conversation_or_404(request, conversation_id)
    key = as_uuid(request.POST.get("macro", "")) or NOBODY
    try:
        result = engagement.macro_run(request.viewer, key, [conversation_id])
    except (actions.ActionError, EngagementError, NotAllowed) as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    response = refreshed(request, conversation_id)
    if result.reply_text:
        response.write(_insert(request, result.reply_text))
    undo = reverse("undo", args=[result.done.batch_id]) if result.done.entry_ids else ""
    return pages.with_toast(response, _("Macro done"), undo=undo)


@signed_in
def message_menu(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """What can be done with one message; asked for when its menu is opened."""
    where = where_of(request, message_id)
    copy = MessageCopy.objects.filter(message_id=message_id, thread__conversation_id=where).first()
    items = message_items(request.viewer, {message_id: copy.thread_id}) if copy else []
    if not items:
        raise Http404
    manifest = manifest_of(items[0].network)
    there = reverse("conversation", args=[where])
    context = {
        "item": items[0],
        "conversation_id": where,
        "may_write": request.user.may_write,
        "is_mail": manifest is not None and manifest.medium == "mail",
        "address": request.build_absolute_uri(f"{there}?m={message_id}#m-{message_id}"),
    }
    return pages.part(request, "inbox/message_menu.html", context)


@writers
def task(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """GET asks what is to be done about a message; POST `title`, `assignee`, `due` makes the task."""
    where = where_of(request, message_id)
    message = Message.objects.select_related("sender__contact").get(pk=message_id)
    error, status = "", 200
    if request.method == "POST":
        scope = (
            MessageCopy.objects.filter(message=message, scope_id__in=request.viewer.scope_ids)
            .order_by("id")
            .values_list("scope_id", flat=True)
            .first()
        )
        contact = message.sender.contact_id if message.sender else None
        try:
            task_create(
                request.viewer,
                title=request.POST.get("title", ""),
                contact_id=contact,
                assignee_id=as_uuid(request.POST.get("assignee", "")),
                due_at=moment_of(request, "due"),
                message_id=message_id,
                scope_id=scope,
            )
        except (WorkError, NotAllowed) as problem:
            error, status = str(problem), 422
        except ValueError:
            error, status = _("This is no time."), 422
        else:
            return pages.with_toast(refreshed(request, where), _("Task made"))
    context = {
        "message_id": message_id,
        "title": request.POST.get("title", "") or message.subject or " ".join(message.text.split())[:120],
        "colleagues": colleagues(request.viewer),
        "error": error,
    }
    return pages.part(request, "inbox/task.html", context, status=status)
