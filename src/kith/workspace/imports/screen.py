"""Imports from a screen: a file is taken, looked through without writing anything, imported, and taken back."""

from __future__ import annotations

import logging
import lzma
import shutil
import tempfile
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from kith.core import audit, blobs
from kith.core.jobs import defer
from kith.teams.models import User
from kith.workspace.imports.run import ImportRefused, ImportResult, import_run
from kith.workspace.models import Import

log = logging.getLogger(__name__)
LARGEST = 4 * 1024**3
MOST_FILES = 200_000
# Nothing of the file's: its job comes again, a few times.
TRIED_AGAIN = (OperationalError, InterfaceError, OSError)
SHOWN = 200  # problems that are kept
BY_SUFFIX = {".mbox": "mbox", ".mbx": "mbox", ".eml": "eml", ".vcf": "vcard", ".vcard": "vcard", ".csv": "csv", ".tsv": "csv", ".zip": "maildir"}  # fmt: skip


def kind_of(name: str, head: bytes) -> str:
    """What a file is, by its name, else by how it begins. Raises ImportRefused."""
    if head.startswith(b"PK\x03\x04"):
        return "maildir"
    kind = BY_SUFFIX.get(Path(name).suffix.lower(), "")
    if kind and kind != "maildir":
        return kind
    if head.startswith(b"From "):
        return "mbox"
    if head.lstrip().upper().startswith(b"BEGIN:VCARD"):
        return "vcard"
    raise ImportRefused(
        _("Kith reads mbox, .eml, a zip of a maildir or of .eml files, .vcf and .csv; this is none.")
    )


def import_upload(*, name: str, file: BinaryIO, user: User) -> Import:
    """Keep a file and have it looked through; nothing of it is imported yet."""
    head = file.read(4096)
    kind = kind_of(name, head)
    file.seek(0)
    digest, size = blobs.put_file(file)
    if size == 0:
        raise ImportRefused(_("This file is empty."))
    from kith.workspace.jobs import import_check_run

    with transaction.atomic():
        record = Import.objects.create(
            kind=kind, source=Path(name).name[:500], file=digest, started_by=user, state="checking"
        )
        audit.record("import_uploaded", "import", record.pk, kind=kind)
        defer(import_check_run, import_id=str(record.pk))
    return record


@contextmanager
def _opened(record: Import) -> Iterator[tuple[str, Path]]:
    """(kind, path) of what was uploaded; a zip is unpacked for as long as it is needed."""
    path = blobs.path_of(record.file)
    if not path.is_file():
        raise ImportRefused(_("The file is not kept any more; upload it again."))
    if record.kind != "maildir":
        yield record.kind, path
        return
    folder = Path(tempfile.mkdtemp(prefix="kith-import-"))
    try:
        _unpack(path, folder)
        roots = sorted({p.parent for p in folder.rglob("*") if p.is_dir() and p.name in ("cur", "new")})
        yield ("maildir", folder if len(roots) > 1 else roots[0]) if roots else ("eml", folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(path: Path, folder: Path) -> None:
    """Plain files below `folder` under names of our own making; nothing outside of it, no more than we take."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir()]
            if len(entries) > MOST_FILES or sum(e.file_size for e in entries) > LARGEST:
                raise ImportRefused(_("This zip holds more than Kith takes at once: 200,000 files, 4 GB."))
            (folder / "cur").mkdir() if any(
                "/new/" in f"/{e.filename}" or "/cur/" in f"/{e.filename}" for e in entries
            ) else None
            target = folder / "cur" if (folder / "cur").is_dir() else folder
            taken = 0
            for number, entry in enumerate(entries):
                if "/tmp/" in f"/{entry.filename}" or entry.filename.startswith("__MACOSX/"):  # noqa: S108
                    continue
                with archive.open(entry) as source, (target / f"{number:07}").open("wb") as out:
                    while chunk := source.read(1024 * 1024):
                        taken += len(chunk)
                        if taken > LARGEST:
                            raise ImportRefused(_("This zip holds more than it says."))
                        out.write(chunk)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, none of the zip's
        raise ImportRefused(_("This zip can't be opened.")) from error


def import_check(record: Import) -> None:
    """Look through the file and note what would happen."""

    def progress(result: ImportResult) -> None:
        Import.objects.filter(pk=record.pk).update(read=result.read)

    try:
        with _opened(record) as (kind, path):
            result = import_run(kind, path, dry_run=True, user=record.started_by, progress=progress)
    except TRIED_AGAIN:
        raise
    except Exception as error:  # noqa: BLE001  (a person waits for what is wrong with the file)
        _fail(record, error)
        return
    Import.objects.filter(pk=record.pk).update(
        state="checked",
        total=result.read,
        read=0,
        found={
            **result.counts(),
            "updated": result.updated,
            "problems": len(result.problems),
            "erased": result.erased,
        },
        problems=result.problems[:SHOWN],
        examples=result.examples,
        mapping=result.mapping,
    )


def import_start(record: Import) -> None:
    """Import what was looked through; once."""
    from kith.workspace.jobs import import_file_run

    with transaction.atomic():
        if Import.objects.filter(pk=record.pk, state="checked").update(state="running"):
            defer(import_file_run, import_id=str(record.pk))


def import_file(record: Import) -> None:
    """The import itself; what it makes is noted batch by batch, so that it can be taken back even if it stops midway."""
    try:
        with _opened(record) as (kind, path):
            import_run(kind, path, user=record.started_by, mapping=record.mapping or None, record=record)
    except TRIED_AGAIN:
        raise
    except Exception as error:  # noqa: BLE001  (a person waits for what is wrong with the file)
        _fail(record, error)
        return
    _let_go(record)


def import_given_up(error: Exception | None, *, import_id: str) -> None:
    """The job will not come again: its disk stayed full, say. Whoever waits for it is told."""
    record = Import.objects.filter(pk=import_id, state__in=["checking", "running"]).first()
    if record is not None:
        _fail(record, error)


def _fail(record: Import, error: Exception | None) -> None:
    why = str(error)
    if not isinstance(error, ImportRefused):
        log.error("import %s broke off", record.pk, exc_info=error)
        if blobs.no_room(error):
            why = _("The server's disk is full. Make room, then upload the file again; nothing gets doubled.")
        elif error is None or isinstance(error, TRIED_AGAIN):
            why = _("The server was disturbed again and again. Upload the file again; nothing gets doubled.")
        else:
            why = _("This file can't be read to its end.")
    Import.objects.filter(pk=record.pk).update(state="failed", error=why[:300])
    _let_go(record)


def _let_go(record: Import) -> None:
    """The file is not needed any more."""
    digest: str = record.file
    Import.objects.filter(pk=record.pk).update(file="")
    if digest and not Import.objects.filter(file=digest).exists():
        from kith.conversations.models import Attachment

        if not Attachment.objects.filter(digest=digest).exists():
            blobs.remove(digest)


def upload_holds(record: Import, words: Sequence[str]) -> bool:
    """Whether a file that waits to be imported holds one of these words, as any program would write them."""
    wanted = {w.lower().encode(e, "ignore") for w in words for e in ("utf-8", "utf-16-le", "cp1252")} - {b""}
    longest = max(map(len, wanted), default=0)
    try:
        with _opened(record) as (_kind, path):
            for file in [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]:
                with file.open("rb") as source:
                    before = b""
                    while part := source.read(1024 * 1024):
                        text = before + part.lower()
                        if any(word in text for word in wanted):
                            return True
                        before = text[-longest:]
    except (ImportRefused, OSError):
        return bool(record.file)  # nobody can say, nobody can import it
    return False


def upload_let_go(record: Import) -> str:
    """Keep such a file no longer; returns its digest, which may be nobody's now."""
    digest: str = record.file
    Import.objects.filter(pk=record.pk).update(
        file="", state="failed", examples=[], found={}, problems=[],
        error=_("Somebody in this file was erased meanwhile. Upload it again: they are left out then."),
    )  # fmt: skip
    return digest


def import_of(user: User, import_id: uuid.UUID) -> Import | None:
    """One's own import: what it shows of its file is nobody else's."""
    return Import.objects.filter(pk=import_id, started_by=user).first()
