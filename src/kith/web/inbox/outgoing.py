"""What a person does about a message of ours that waits, was held back, was refused, or of which nobody knows."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.channels.outbox import OutboxError
from kith.channels.settle import outgoing_again, outgoing_release, outgoing_settle, outgoing_take_back
from kith.conversations.models import MessageCopy
from kith.teams.errors import NotAllowed
from kith.trust.types import Verdict
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.inbox.actions import refreshed
from kith.web.inbox.box import draft_restore
from kith.web.inbox.compose import box_partial


def where_of(request: SignedIn, message_id: uuid.UUID) -> uuid.UUID:
    """The conversation in which the viewer sees a message; Http404 where there is none."""
    found = (
        MessageCopy.objects.filter(message_id=message_id, scope_id__in=request.viewer.scope_ids)
        .order_by("id")
        .values_list("thread__conversation_id", flat=True)
        .first()
    )
    if found is None:
        raise Http404
    return found


def _done(request: SignedIn, message_id: uuid.UUID, act: Callable[[], str]) -> HttpResponse:
    where = where_of(request, message_id)
    try:
        said = act()
    except (OutboxError, NotAllowed) as error:
        return pages.with_toast(refreshed(request, where), str(error), kind="error")
    return pages.with_toast(refreshed(request, where), said)


def _told(verdict: Verdict) -> str:
    if verdict.outcome == "allow":
        return _("On its way")
    return _("Held back: %(why)s") % {"why": verdict.sentence}


@require_POST
@writers
def unsend(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """Take a message back while it waits, or after it was refused; what it said returns into the box."""
    where = where_of(request, message_id)
    try:
        message = outgoing_take_back(request.viewer, message_id)
    except (OutboxError, NotAllowed) as error:
        return pages.with_toast(refreshed(request, where), str(error), kind="error")
    mode = draft_restore(request, where, message)
    response = refreshed(request, where)
    response.write(box_partial(request, where, mode=mode, focus=True))
    return pages.with_toast(response, _("Taken back. It was not sent."))


@require_POST
@writers
def release(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """Send a planned message now, or a held one anyway; POST `reason`, which is kept with the decision."""
    reason = request.POST.get("reason", "").strip()
    if "reason" in request.POST and not reason:
        where_of(request, message_id)
        return pages.with_toast(HttpResponse(), _("Say why it may go all the same."), kind="error")
    return _done(
        request, message_id, lambda: _told(outgoing_release(request.viewer, message_id, reason=reason))
    )


@require_POST
@writers
def again(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """Try once more what the network refused."""
    return _done(request, message_id, lambda: _told(outgoing_again(request.viewer, message_id)))


@require_POST
@writers
def settle(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """POST `arrived`: "1", it did; "", send it again."""
    arrived = bool(request.POST.get("arrived"))

    def act() -> str:
        outgoing_settle(request.viewer, message_id, was_sent=arrived)
        return _("Noted: it arrived.") if arrived else _("On its way again")

    return _done(request, message_id, act)
