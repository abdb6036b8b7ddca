"""Everything about one person, as JSON and files in a zip: what the one who asks may see, with what is left out said."""

from __future__ import annotations

import json
import re
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Organization, Tag
from kith.core import audit, blobs
from kith.core.registry import kept
from kith.teams.models import User
from kith.teams.selectors import viewer_of
from kith.teams.types import Viewer
from kith.workspace.models import PersonRequest
from kith.workspace.person_data import Person, person_of, rows_of, visible_rows

KEPT = timedelta(days=7)
CHUNK = 500
Progress = Callable[[int, int], None]


def export_write(
    path: Path, *, viewer: Viewer, person: Person, progress: Progress | None = None
) -> dict[str, Any]:
    """Write the zip; returns its report: rows by model, files, and how many rows the viewer may not see."""
    report: dict[str, Any] = {"rows": {}, "left_out": {}, "not_exported": {}, "files": 0}
    plans = []
    for label, row in sorted(kept().items()):
        if not row.export:
            report["not_exported"][label] = row.why
            continue
        every = rows_of(person, row)
        seen = visible_rows(viewer, every, label)
        number = seen.count()
        plans.append((label, row, seen, number))
        report["rows"][label] = number
        if (hidden := every.count() - number) > 0:
            report["left_out"][label] = hidden
    total, done = sum(plan[3] for plan in plans), 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for label, row, seen, _number in plans:
            with archive.open(f"{label}.json", "w") as out:
                out.write(b"[")
                for number, values in enumerate(_rows(seen, row.export)):
                    out.write((b",\n" if number else b"\n") + values)
                    done += 1
                    if progress and done % CHUNK == 0:
                        progress(done, total)
                out.write(b"\n]\n")
        for name, digest in _files(viewer, person):
            try:
                archive.write(blobs.path_of(digest), f"files/{name}")
                report["files"] += 1
            except (OSError, ValueError):
                report["left_out"]["files"] = report["left_out"].get("files", 0) + 1
        archive.writestr("README.txt", _readme(report))
    if progress:
        progress(total, total)
    return report


def _rows(rows: Any, fields: tuple[str, ...]) -> Iterator[bytes]:
    names = {
        "organization": dict(Organization.objects.values_list("pk", "name"))
        if "organization" in fields
        else {},
        "tag": dict(Tag.objects.values_list("pk", "name")) if "tag" in fields else {},
    }
    key = rows.model._meta.pk.name
    for values in rows.order_by(key).values(key, *(f for f in fields if f != key)).iterator(CHUNK):
        for field, known in names.items():
            if known and field in values:
                values[field] = known.get(values[field], values[field])
        yield json.dumps(values, cls=DjangoJSONEncoder, ensure_ascii=False).encode()


def _files(viewer: Viewer, person: Person) -> Iterator[tuple[str, str]]:
    """(name in the zip, digest): attachments, photos of letters, faces."""
    for label, digest, name in (
        ("conversations.Attachment", "digest", "file_name"),
        ("work.Note", "photo", "kind"),
        ("contacts.Identity", "avatar", "network"),
    ):
        row = kept()[label]
        rows = visible_rows(viewer, rows_of(person, row), label).exclude(**{digest: ""})
        for key, found, shown in rows.values_list("pk", digest, name):
            yield f"{key}-{re.sub(r'[^A-Za-z0-9._-]+', '_', shown)[-80:]}", found


def _readme(report: dict[str, Any]) -> str:
    lines = [
        _("Everything that Kith keeps about one person: a JSON file for each kind of record, and files."),
        "",
    ]
    lines += [f"{label}: {number}" for label, number in report["rows"].items()]
    if report["left_out"]:
        lines += ["", _("Left out, because whoever asked for this export may not see them:")]
        lines += [f"{label}: {number}" for label, number in report["left_out"].items()]
    lines += ["", _("Not exported, and why:")]
    lines += [f"{label}: {why}" for label, why in report["not_exported"].items()]
    return "\n".join(lines) + "\n"


def export_run(request: PersonRequest) -> None:
    """Make the export that was asked for; running it again makes it anew."""
    if request.asked_by is None:
        raise ValueError("nobody asks for this export")
    PersonRequest.objects.filter(pk=request.pk).update(state="running", done=0)

    def progress(done: int, total: int) -> None:
        PersonRequest.objects.filter(pk=request.pk).update(done=done, total=total)

    person = person_of(request.contact_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.zip"
        report = export_write(path, viewer=viewer_of(request.asked_by), person=person, progress=progress)
        with path.open("rb") as file:
            digest, size = blobs.put_file(file)
    with transaction.atomic():
        PersonRequest.objects.filter(pk=request.pk).update(
            state="done", report=report, digest=digest, size=size, finished_at=now()
        )
        audit.record(
            "person_exported", "contact", request.contact_id, rows=sum(report["rows"].values()), size=size
        )


def exports_sweep() -> int:
    """Exports lie for a week; returns how many went."""
    old = list(
        PersonRequest.objects.filter(
            kind=PersonRequest.Kind.EXPORT, state="done", finished_at__lt=now() - KEPT
        )
    )
    for request in old:
        export_remove(request)
    return len(old)


def export_remove(request: PersonRequest) -> None:
    """The zip goes; that there was one stays."""
    if request.digest:
        blobs.remove(request.digest)
    PersonRequest.objects.filter(pk=request.pk).update(state="gone", digest="")


def export_ask(*, contact_id: uuid.UUID, user: User) -> PersonRequest:
    """Ask for an export; a job makes it."""
    from kith.core.jobs import defer
    from kith.workspace.jobs import person_request_run

    with transaction.atomic():
        made = PersonRequest.objects.create(
            kind=PersonRequest.Kind.EXPORT, contact_id=contact_id, asked_by=user
        )
        audit.record("person_export_asked", "contact", contact_id)
        defer(person_request_run, request_id=str(made.pk))
    return made
