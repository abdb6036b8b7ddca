"""Files that somebody uploads to be imported: whatever is in them, the import says in words what is wrong, and ends."""

from __future__ import annotations

import contextlib
import io
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kith.core.backup.archive import MANIFEST, Reader, Writer
from kith.core.backup.errors import BackupError
from kith.workspace.imports.run import ImportRefused
from kith.workspace.imports.screen import import_check, import_file, import_upload
from kith.workspace.models import Import
from tests.support import house

pytestmark = pytest.mark.django_db
MAIL = b"From: Ada <ada@outside.example>\r\nSubject: Hello\r\n\r\nHello\r\n"


def _zip(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return made.getvalue()


def _broken_inside() -> bytes:
    """A zip whose list is whole and whose compressed bytes are not."""
    made = bytearray(_zip(("new/1", b"".join(b"Line %d\r\n" % n for n in range(20_000)))))
    made[200:260] = b"\xff" * 60
    return bytes(made)


def _claims_method(number: int) -> bytes:
    made = bytearray(_zip(("new/1", MAIL)))
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = made.index(mark) + offset
        made[at : at + 2] = number.to_bytes(2, "little")
    return bytes(made)


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a mail with NULs in its head": ("a.eml", lambda: MAIL.replace(b"Ada", b"A\0da").replace(b"Hello", b"He\0llo", 1)),
    "a mail with half characters": ("a.eml", lambda: b"From: \xff\xfe <a@x.example>\nSubject: =?utf-8?b?7aCA?= \xed\xa0\x80\n\nx"),
    "an mbox of one line": ("a.mbox", lambda: b"From " + b"x" * 30_000_000),
    "an mbox of many separators": ("a.mbox", lambda: b"From x\n\n" * 200_000),
    "a zip that is broken inside": ("a.zip", _broken_inside),
    "a zip by a method that nobody knows": ("a.zip", lambda: _claims_method(77)),
    "a zip that says LZMA and is not": ("a.zip", lambda: _claims_method(14)),
    "a zip that says bzip2 and is not": ("a.zip", lambda: _claims_method(12)),
    "a zip with names that lead out": ("a.zip", lambda: _zip(("../../../tmp/kith-was-here", MAIL), ("/etc/kith-was-here", MAIL))),
    "a zip of nothing": ("a.zip", lambda: _zip() + b""),
    "no zip at all": ("a.bin", lambda: b"PK\x03\x04" + b"x" * 500),
    "a table with NULs": ("a.csv", lambda: b"Name;E-mail Address\nA\0da;ada@out\0side.example\n"),
    "a table in halves of UTF-16": ("a.csv", lambda: b"\xff\xfe" + "Name;E-mail Address\nAda;a@x.example\n".encode("utf-16-le") + b"\x00\xd8\x41"),
    "a table with a field that never ends": ("a.csv", lambda: b'Name;E-mail Address\n"' + b"x\n" * 3_000_000),
    "a table of quotes": ("a.csv", lambda: b'"' * 60_000 + b"\n"),
    "a table of quotes and spaces": ("a.csv", lambda: (b'" "' * 20_000)[:60_000] + b"\n"),
    "a table of separators": ("a.csv", lambda: b";" * 60_000 + b"\n" + b";" * 60_000),
    "a table of one line": ("a.csv", lambda: b"x" * 30_000_000),
    "a table of formulas": ("a.csv", lambda: b"Name;E-mail Address\n=cmd|' /C calc'!A0;=1+1@x.example\n"),
    "a card with NULs": ("a.vcf", lambda: b"BEGIN:VCARD\nVERSION:3.0\nFN:A\0da\nEMAIL:a\0@x.example\nEND:VCARD\n"),
    "a card of one line": ("a.vcf", lambda: b"BEGIN:VCARD\nVERSION:3.0\nFN:" + b"x" * 20_000_000 + b"\nEND:VCARD\n"),
    "cards inside of cards": ("a.vcf", lambda: b"BEGIN:VCARD\n" * 19_000 + b"END:VCARD\n" * 19_000),
    "a card that is folded often": ("a.vcf", lambda: b"BEGIN:VCARD\nVERSION:3.0\nFN:x\n" + b" x\n" * 19_000 + b"END:VCARD\n"),
    "a card of parameters": ("a.vcf", lambda: b"BEGIN:VCARD\nVERSION:3.0\nFN" + b";A=b" * 5_000 + b":x\nEND:VCARD\n"),
    "a card of another code": ("a.vcf", lambda: b"BEGIN:VCARD\nVERSION:2.1\nFN;ENCODING=BASE64:@@@\nN;CHARSET=nothing;ENCODING=QUOTED-PRINTABLE:=ZZ=\nEND:VCARD\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_ends_in_words_or_in_people(name: str) -> None:
    file_name, make = FILES[name]
    mara = house.user("Mara", role="admin")
    record = None
    with contextlib.suppress(ImportRefused):
        record = import_upload(name=file_name, file=io.BytesIO(make()), user=mara)
    if record is None:
        return
    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    import_check(record)
    record.refresh_from_db()
    assert record.state in ("checked", "failed")
    if record.state == "checked":
        Import.objects.filter(pk=record.pk).update(state="running")
        record.refresh_from_db()
        import_file(record)
        record.refresh_from_db()
        assert record.state in ("done", "failed")
    assert bool(record.error) == (record.state == "failed")
    assert time.process_time() - begun < 20
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(name, record.state, record.error, f"{time.process_time() - begun:.1f} s, {grown // 1024} MB")


@pytest.mark.parametrize("place", ["list", "table", "end"])
def test_a_backup_that_was_damaged_is_told_in_words(place: str, tmp_path: Path) -> None:
    """Bytes that no ZIP's own check meets first: those of the compression."""
    path = tmp_path / "a.kithbackup"
    with Writer(path) as writer:
        writer.add("tables/x", [b"".join(b"row %d\n" % n for n in range(50_000))])
        writer.finish({"tables": {}, "kith": "1"})
    made = bytearray(path.read_bytes())
    at = {"list": made.index(MANIFEST.encode()) + 20, "table": 300, "end": len(made) - 40}[place]
    made[at : at + 30] = b"\xff" * 30
    path.write_bytes(made)
    with pytest.raises(BackupError), Reader(path) as reader:
        reader.check()
