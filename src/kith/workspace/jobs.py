"""Background work of what joins rooms: exports and erasures of people, imports of files."""

from __future__ import annotations

from kith.core.jobs import job
from kith.workspace.models import Import, OwnExport, PersonRequest


def import_given_up(error: Exception | None, *, import_id: str) -> None:
    from kith.workspace.imports import screen

    screen.import_given_up(error, import_id=import_id)


def person_request_given_up(error: Exception | None, *, request_id: str) -> None:
    from kith.workspace import person_requests

    person_requests.person_request_given_up(error, request_id=request_id)


@job("workspace.person_request", tries=4, given_up=person_request_given_up)
def person_request_run(*, request_id: str) -> None:
    """Export or erase one person, as was asked; runs again after an interruption."""
    from kith.workspace.erasure import erasure_run
    from kith.workspace.export import export_run
    from kith.workspace.person_requests import proven_alone
    from kith.workspace.retention.holds import request_may_go

    request = PersonRequest.objects.filter(pk=request_id, state__in=["waiting", "running"]).first()
    if request is None:
        return
    if request.kind == PersonRequest.Kind.EXPORT:
        export_run(request)
    elif proven_alone(request) and request_may_go(request):
        erasure_run(request)


def asked_deletion_given_up(error: Exception | None, *, request_id: str) -> None:
    from kith.workspace import asked_deletions

    asked_deletions.deletion_given_up(error, request_id=request_id)


@job("workspace.asked_deletion", tries=8, given_up=asked_deletion_given_up)
def asked_deletion_run(*, request_id: str) -> None:
    """Pass on what a network asked to be deleted."""
    from kith.workspace.asked_deletions import deletion_run

    deletion_run(request_id)


def backups_renew_given_up(error: Exception | None, *, request_id: str) -> None:
    from kith.workspace import person_requests

    person_requests.backups_renew_given_up(error, request_id=request_id)


@job("workspace.backups_renew", tries=3, given_up=backups_renew_given_up)
def backups_renew_run(*, request_id: str) -> None:
    """Remove the backups that hold somebody who was erased, behind a new one."""
    from kith.workspace.erasure_backups import backups_renew

    request = PersonRequest.objects.filter(pk=request_id, state="done").first()
    if request is not None:
        backups_renew(request)
        PersonRequest.objects.filter(pk=request_id).update(and_backups=False, error="")


@job("workspace.fill_journal", every="17 * * * *")
def fill_journal() -> None:
    """What other machines erased stands in this one's journal of erasures, too."""
    from kith.workspace.erasure_again import journal_fill

    journal_fill()


@job("workspace.sweep_exports", every="41 3 * * *")
def sweep_exports() -> None:
    """Exports of people lie for a week."""
    from kith.workspace.export import exports_sweep

    exports_sweep()


def own_export_given_up(error: Exception | None, *, export_id: str) -> None:
    OwnExport.objects.filter(pk=export_id).update(state="failed")


@job("workspace.own_export", tries=3, given_up=own_export_given_up)
def own_export_run(*, export_id: str) -> None:
    """A customer's own data, as they asked for it in a visit."""
    from kith.workspace.customer_export import own_export_make

    export = OwnExport.objects.filter(pk=export_id, state__in=["waiting", "running"]).first()
    if export is not None:
        own_export_make(export)


@job("workspace.sweep_own_exports", every="19 * * * *")
def sweep_own_exports() -> None:
    """What customers exported of themselves lies for two hours."""
    from kith.workspace.customer_deeds import own_exports_sweep

    own_exports_sweep()


@job("workspace.retention", every="23 2 * * *")
def retention_nightly() -> None:
    """Take what retention rules say; what is under legal hold stays."""
    from kith.workspace.retention.nightly import retention_run

    retention_run()


@job("workspace.import_check", tries=3, given_up=import_given_up)
def import_check_run(*, import_id: str) -> None:
    """Look through an uploaded file; nothing is imported."""
    from kith.workspace.imports.screen import import_check

    record = Import.objects.filter(pk=import_id, state="checking").first()
    if record is not None:
        import_check(record)


@job("workspace.import_file", tries=3, given_up=import_given_up)
def import_file_run(*, import_id: str) -> None:
    """Import an uploaded file; again from its start after an interruption, which doubles nothing."""
    from kith.workspace.imports.screen import import_file

    record = Import.objects.filter(pk=import_id, state="running").first()
    if record is not None:
        import_file(record)


@job("workspace.sweep_unconfirmed", every="33 3 * * *")
def sweep_unconfirmed() -> None:
    """Subscriptions that were asked for and never confirmed go after a week."""
    from kith.workspace.unconfirmed import unconfirmed_sweep

    while unconfirmed_sweep()[0]:
        pass
