"""Somebody had their network ask us to delete what we have of them: taken once, done by a job, told on a public page.

Holds no word about the person: the code is a keyed hash, and the ids of what goes are forgotten when it is handed over.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kith.base.clock import now
from kith.channels.deletion_requests import Told, WhoAsks
from kith.contacts.models import Identity
from kith.core import audit, company, secrets
from kith.core.jobs import defer
from kith.networks.selectors import manifest_of
from kith.work.models import Task
from kith.workspace.customer_deeds import NotKnown, forget_ask
from kith.workspace.erasure_traces import ERASED
from kith.workspace.models import AskedDeletion, PersonRequest
from kith.workspace.person_data import Person, person_of
from kith.workspace.retention.holds import erasure_waits, lock

log = logging.getLogger(__name__)
REST = _(
    "A network told us that this person wants what came from there to be deleted, and that is erased. It proves nothing "
    "about their other addresses. Decide whether they want those erased, too; asking them is one way."
)


def deletion_take(asked: WhoAsks) -> Told:
    """Durable when it returns. The same request again, however often, is the same row and has the same code."""
    from kith.workspace.jobs import asked_deletion_run

    account = asked.account
    parts = (account.network, asked.realm, asked.external_id, str(int(asked.issued_at.timestamp())))
    codes = [one[:32] for one in secrets.keyed_hashes("\0".join(parts), purpose="deletion asked")]
    with transaction.atomic():
        row = AskedDeletion.objects.filter(code__in=codes).first()
        made = False
        if row is None:
            found = (
                Identity.objects.filter(
                    network=account.network, realm=asked.realm, external_id=asked.external_id
                )
                .exclude(kind=Identity.Kind.US)
                .values_list("pk", flat=True)
            )
            row, made = AskedDeletion.objects.get_or_create(
                code=codes[0], defaults={"network": account.network, "identity_ids": list(found)}
            )
        again = not made and row.state == "failed"
        if again:
            AskedDeletion.objects.filter(pk=row.pk).update(state="waiting")
        if made or again:
            audit.record("deletion_asked_by_network", "channel", account.pk, request=str(row.pk))
            defer(asked_deletion_run, request_id=str(row.pk))
    return Told(url=f"{company.public_url()}/deletion/{row.code}/", code=row.code)


def deletion_run(request_id: str) -> None:
    """Hand over to erasures what nothing is in the way of; runs again after an interruption, and when a hold is lifted."""
    with transaction.atomic():
        lock()
        row = (
            AskedDeletion.objects.select_for_update()
            .filter(pk=request_id, state__in=["waiting", "held"])
            .first()
        )
        if row is None:
            return
        there = Identity.objects.filter(pk__in=row.identity_ids).exclude(external_id__startswith=ERASED)
        identities = list(there.select_related("contact"))
        if any(erasure_waits(Person((), (one.pk,))) for one in identities):
            row.state = "held"
            row.save(update_fields=["state"])
            return
        row.requests, row.state, row.identity_ids = _erasures(identities), "passed", []
        row.finished_at = None if row.requests else now()
        row.save(update_fields=["requests", "state", "identity_ids", "finished_at"])


def deletion_given_up(error: Exception | None, *, request_id: str) -> None:
    """Its job will not come again; the page says so."""
    log.error("request %s to delete somebody's data is given up", request_id, exc_info=error)
    if AskedDeletion.objects.filter(pk=request_id, state__in=["waiting", "held"]).update(state="failed"):
        Task.objects.create(
            title=gettext("A network asked to delete somebody's data, and it failed"),
            details=gettext(
                "The audit log says when. Run “kith doctor”; the same request, sent again, is tried again."
            ),
            due_at=now() + timedelta(days=1),
        )


def _erasures(identities: list[Identity]) -> list[uuid.UUID]:
    """The erasures that do it; one that is asked for already by somebody else is not asked for again."""
    found: list[uuid.UUID] = []
    for one in identities:
        under_way = (
            PersonRequest.objects.filter(
                contact_id__in=person_of(one.contact_id).contact_ids,
                kind=PersonRequest.Kind.ERASURE,
                state__in=["waiting", "running", "held"],
            ).first()
            if one.contact_id
            else None
        )
        if under_way is not None:
            found.append(under_way.pk)
            continue
        try:
            rows = forget_ask(
                identity_ids=[one.pk], never_again=False, proven_by="network", rest=REST, any_kind=True
            )
        except NotKnown:
            continue
        found += [made.pk for made in rows]
    return found


class DeletionStatus:
    """What the public page says: no word of who asked, or of what there was."""

    RECEIVED, UNDER_WAY, HELD, FAILED, DONE, NOTHING = (
        "received", "under_way", "held", "failed", "done", "nothing",
    )  # fmt: skip

    def __init__(self, row: AskedDeletion) -> None:
        self.code, self.asked_at = row.code, row.created_at
        manifest = manifest_of(row.network)
        self.network = manifest.title.partition(" (")[0] if manifest else row.network
        self.state, self.at = _state(row)


def _state(row: AskedDeletion) -> tuple[str, datetime | None]:
    if row.state == "waiting":
        return DeletionStatus.RECEIVED, None
    if row.state in ("held", "failed"):
        return (DeletionStatus.HELD if row.state == "held" else DeletionStatus.FAILED), None
    if not row.requests:
        return DeletionStatus.NOTHING, row.finished_at
    rows = list(PersonRequest.objects.filter(pk__in=row.requests))
    states = {one.state for one in rows}
    for state, words in (("failed", DeletionStatus.FAILED), ("held", DeletionStatus.HELD)):
        if state in states:
            return words, None
    if states == {"done"}:
        return DeletionStatus.DONE, max((one.finished_at for one in rows if one.finished_at), default=None)
    return DeletionStatus.UNDER_WAY, None


def deletion_status(code: str) -> DeletionStatus | None:
    """Of a request, by its code; None where nobody asked under it."""
    row = AskedDeletion.objects.filter(code=code).first()
    return DeletionStatus(row) if row else None
