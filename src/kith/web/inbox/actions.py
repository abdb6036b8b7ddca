"""What colleagues do with conversations, from the screen. Each answers with the changed parts and a toast with its undo."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.conversations.services import actions
from kith.core.fields import as_number, as_uuid
from kith.teams.errors import NotAllowed
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.inbox.talk import talk_with_messages
from kith.web.inbox.views import query_of

CHANGED = {"HX-Trigger": "kith:changed"}


def refreshed(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """Head and stream of an open conversation, each to be put in its place."""
    response = HttpResponse(headers=CHANGED)
    talk = talk_with_messages(request, conversation_id)
    if talk is not None:
        context = {"talk": talk, "query": query_of(request)}
        response.write(pages.part(request, "inbox/changed.html", context).content.decode())
    return response


def act_on(
    request: SignedIn, conversation_id: uuid.UUID, act: Callable[[], actions.Done], said: str
) -> HttpResponse:
    try:
        done = act()
    except (actions.ActionError, NotAllowed) as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    response = refreshed(request, conversation_id)
    undo = reverse("undo", args=[done.batch_id]) if done.entry_ids else ""
    return pages.with_toast(response, said, undo=undo)


@require_POST
@writers
def assign(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST `user` (id, or "" for nobody) or `team`."""
    ids = [conversation_id]
    if "team" in request.POST:
        team = as_uuid(request.POST["team"])
        return act_on(
            request,
            conversation_id,
            lambda: actions.conversations_assign_team(request.viewer, ids, team_id=team),
            _("Handed to the team"),
        )
    who = as_uuid(request.POST.get("user", ""))
    said = (
        _("Nobody has it now")
        if who is None
        else (_("Yours now") if who == request.user.pk else _("Handed over"))
    )
    return act_on(
        request,
        conversation_id,
        lambda: actions.conversations_assign(request.viewer, ids, assignee_id=who),
        said,
    )


def moment_of(request: HttpRequest, name: str = "until") -> datetime | None:
    """A time from a form: `name` with its zone, or `local` as a clock on the user's wall shows it."""
    found = parse_datetime(request.POST.get(name, "") or request.POST.get("local", "") or "-")
    if found is None:
        return None
    return found if found.tzinfo else timezone.make_aware(found)


@require_POST
@writers
def snooze(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    try:
        until = moment_of(request)
    except ValueError:
        until = None
    if until is None:
        return pages.with_toast(HttpResponse(), _("Say until when."), kind="error")
    return act_on(
        request,
        conversation_id,
        lambda: actions.conversations_snooze(request.viewer, [conversation_id], until=until),
        _("Snoozed"),
    )


@require_POST
@writers
def status(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    closing = request.POST.get("status") == "closed"
    act = actions.conversations_close if closing else actions.conversations_reopen
    said = _("Closed") if closing else _("Open again")
    return act_on(request, conversation_id, lambda: act(request.viewer, [conversation_id]), said)


@require_POST
@writers
def tag(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    name, on = request.POST.get("name", "").strip(), bool(request.POST.get("on"))
    return act_on(
        request,
        conversation_id,
        lambda: actions.conversations_tag(
            request.viewer, [conversation_id], add=[name] if on and name else [], remove=[] if on else [name]
        ),
        _("Tagged %(name)s") % {"name": name} if on else _("Tag %(name)s removed") % {"name": name},
    )


@require_POST
@writers
def priority(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    value = as_number(request.POST.get("priority", ""))
    return act_on(
        request,
        conversation_id,
        lambda: actions.conversations_set_priority(request.viewer, [conversation_id], priority=value),
        _("Priority changed"),
    )


@require_POST
@writers
def tray(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST `tray`: "spam", or "" for the inbox; `block` blocks the sender too, `unblock` lets them in again."""
    if request.POST.get("block"):
        return act_on(
            request,
            conversation_id,
            lambda: actions.sender_block(request.viewer, conversation_id),
            _("Blocked. What they write is set aside."),
        )
    if request.POST.get("unblock"):
        return act_on(
            request,
            conversation_id,
            lambda: actions.conversation_unblock(request.viewer, conversation_id),
            _("No longer blocked"),
        )
    where = request.POST.get("tray", "")
    said = _("Set aside as spam") if where else _("Moved into the inbox")
    return act_on(
        request,
        conversation_id,
        lambda: actions.conversations_set_tray(request.viewer, [conversation_id], tray=where),
        said,
    )


def on_screen(request: HttpRequest) -> uuid.UUID | None:
    """The conversation that the screen shows which asks."""
    parts = [part for part in urlsplit(request.headers.get("HX-Current-URL", "")).path.split("/") if part]
    return as_uuid(parts[1]) if len(parts) == 2 and parts[0] == "inbox" else None
