"""What becomes of an export or erasure whose job can't come to its end: whoever asked is told, and may try again."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from kith.base.clock import now
from kith.contacts.models import Contact
from kith.core import audit
from kith.core.blobs import no_room
from kith.core.jobs import defer
from kith.teams.models import User
from kith.work.models import Task
from kith.workspace.models import PersonRequest
from kith.workspace.person_data import person_of

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


def proven_alone(request: PersonRequest) -> bool:
    """Whether all that would go was proven by whoever asked to be forgotten. What was merged or linked into them while it
    waited was not: then nothing goes, and a colleague is asked to take it apart and to try again."""
    if request.proven is None:
        return True
    more = set(person_of(request.contact_id).identity_ids) - set(request.proven)
    if not more:
        return True
    contact = Contact.objects.get(pk=request.contact_id)
    with override(contact.owner.language if contact.owner else None):
        why = _(
            "Addresses were joined to this person after they asked to be forgotten, and were not proven. "
            "Take them apart, then try again."
        )
        request.state, request.error = "failed", why[:300]
        request.save(update_fields=["state", "error"])
        Task.objects.create(
            title=_("Somebody asks to be forgotten: look at the rest"),
            details=why,
            contact=contact,
            assignee=contact.owner,
            due_at=now() + timedelta(days=7),
        )
    return False


def backups_renew_given_up(error: Exception | None, *, request_id: str) -> None:
    """The old backups stay; whoever asked is told, and may ask again. The person is erased all the same."""
    log.error("the backups before erasure %s are not renewed", request_id, exc_info=error)
    why = (
        _("The server's disk is full: no new backup could be made, so the old ones stay.")
        if no_room(error)
        else _("No new backup could be made, so the old ones stay; the server's log says why.")
    )
    PersonRequest.objects.filter(pk=request_id).update(and_backups=False, error=why[:300])


def backups_renew_ask(*, request_id: uuid.UUID, user: User) -> None:
    """Have the backups from before an erasure that is done removed; once however often this is called."""
    from kith.workspace.erasure import backups_ask

    with transaction.atomic():
        found = (
            PersonRequest.objects.select_for_update()
            .filter(pk=request_id, kind=PersonRequest.Kind.ERASURE, state="done", and_backups=False)
            .first()
        )
        if found is None:
            return
        found.and_backups, found.error = True, ""
        found.save(update_fields=["and_backups", "error"])
        audit.record("backups_renew_asked", "contact", found.contact_id)
        backups_ask(found)


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
