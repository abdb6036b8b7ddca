"""What becomes of an export or erasure whose job can't come to its end: whoever asked is told, and may try again."""

from __future__ import annotations

import logging
import uuid

from django.db import transaction
from django.utils.translation import gettext as _

from kith.core import audit
from kith.core.blobs import no_room
from kith.core.jobs import defer
from kith.teams.models import User
from kith.workspace.models import PersonRequest

log = logging.getLogger(__name__)


def person_request_given_up(error: Exception | None, *, request_id: str) -> None:
    """Its job will not come again; `error` is None when its workers died over it. What was erased stays erased."""
    log.error("request %s about a person is given up", request_id, exc_info=error)
    why = (
        _("The server's disk is full. Make room, then try again.")
        if no_room(error)
        else _(
            "It broke off again and again; the server's log says why. What was done until then stays done."
        )
    )
    PersonRequest.objects.filter(pk=request_id, state__in=["waiting", "running"]).update(
        state="failed", error=why[:300]
    )


def person_request_again(*, request_id: uuid.UUID, user: User) -> None:
    """Have one that failed tried again, once however often this is called."""
    from kith.workspace.jobs import person_request_run

    with transaction.atomic():
        found = PersonRequest.objects.select_for_update().filter(pk=request_id, state="failed").first()
        if found is None:
            return
        if found.kind == PersonRequest.Kind.EXPORT:
            found.asked_by = user  # it holds what whoever gets it may see
            audit.record("person_export_asked", "contact", found.contact_id)
        else:
            audit.record("person_erasure_asked", "contact", found.contact_id)
        found.state, found.error = "waiting", ""
        found.save(update_fields=["state", "error", "asked_by"])
        defer(person_request_run, request_id=str(found.pk))
