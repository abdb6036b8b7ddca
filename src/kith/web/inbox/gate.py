"""What a colleague tells the gate from a conversation: that they invited it, that this is a complaint."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.conversations.services import actions
from kith.core.fields import as_uuid
from kith.trust.models import Invitation
from kith.trust.services import invitation_record, invitation_take_back
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.inbox.actions import act_on
from kith.web.inbox.compose import conversation_or_404


@require_POST
@writers
def invited(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST `identity` (who), `invited_quote` (in their words): they asked us to write to them here. `?undo=` takes it back."""
    found = conversation_or_404(request, conversation_id)
    if "undo" in request.GET:
        row = Invitation.objects.filter(
            pk=as_uuid(request.GET["undo"]) or uuid.UUID(int=0),
            identity_id__in=[person.id for person in found.participants],
        ).first()
        if row is None:
            raise Http404
        invitation_take_back(invitation=row)
        return pages.with_toast(HttpResponse(headers={"HX-Trigger": "kith:advice"}), _("Taken back"))
    key = as_uuid(request.POST.get("identity", ""))
    if key is None or key not in {person.id for person in found.participants}:
        raise Http404
    quote = " ".join(request.POST.get("invited_quote", "").split())
    if not quote:
        return pages.with_toast(HttpResponse(), _("Say it in their words."), kind="error")
    made = invitation_record(
        identity_id=key, quote=quote, user=request.user, message_id=found.last_message_id
    )
    undo = f"{reverse('invited', args=[conversation_id])}?undo={made.pk}"
    return pages.with_toast(HttpResponse(), _("Noted: they invited it. It holds for 30 days."), undo=undo)


@require_POST
@writers
def complaint(request: SignedIn, conversation_id: uuid.UUID) -> HttpResponse:
    """POST `on`: this is a complaint, and nothing is sold to them until it is closed; "" takes that back."""
    on = bool(request.POST.get("on"))
    said = _("A complaint: nothing is sold to them until it is closed.") if on else _("No complaint any more")
    return act_on(
        request,
        conversation_id,
        lambda: actions.conversations_set_complaint(request.viewer, [conversation_id], complaint=on),
        said,
    )
