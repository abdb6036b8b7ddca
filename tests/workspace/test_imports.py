"""Imports: nothing doubled, everything counted and visible, and taken back whole."""

from __future__ import annotations

import errno
import mailbox
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connection

from kith.contacts.models import Contact, Identity
from kith.conversations.models import ConversationScope, Message
from kith.core import jobs
from kith.teams.models import User
from kith.workspace.imports import ImportRefused, import_run, import_undo
from kith.workspace.jobs import import_check_run, import_file_run
from kith.workspace.models import Import
from tests.support.shared import shared_data

pytestmark = pytest.mark.django_db


def _mail(number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"ada{number % 3}@outside.example"
    message["To"] = "info@us.example"
    message["Message-ID"] = f"<{number}@outside.example>"
    message["Subject"] = f"Matter {number}"
    message["Date"] = "Tue, 03 Nov 2026 12:00:00 +0000"
    message.set_content("Hello\n\nFrom here on\n")
    return message


@pytest.fixture
def mbox(tmp_path: Path) -> Path:
    box = mailbox.mbox(tmp_path / "box.mbox")
    for number in range(25):
        box.add(_mail(number))
    box.flush()
    return tmp_path / "box.mbox"


def test_an_mbox_is_imported_once_and_arrives_closed(mbox: Path) -> None:
    first = import_run("mbox", mbox)
    assert first.counts() == {"read": 25, "visible": 25, "unreadable": 0, "skipped": 0}
    assert set(ConversationScope.objects.values_list("status", flat=True)) == {"closed"}
    assert "From here on" in Message.objects.first().text  # type: ignore[union-attr]
    again = import_run("mbox", mbox)
    assert again.counts() == {"read": 25, "visible": 0, "unreadable": 0, "skipped": 25}
    assert Message.objects.count() == 25


def test_a_dry_run_writes_nothing(mbox: Path) -> None:
    assert import_run("mbox", mbox, dry_run=True).read == 25
    assert not Message.objects.exists()
    assert not Import.objects.exists()


def test_an_import_is_taken_back(mbox: Path) -> None:
    import_run("mbox", mbox)
    assert import_undo(Import.objects.get()) == 25
    assert not Message.objects.exists()
    assert not ConversationScope.objects.exists()
    with pytest.raises(ImportRefused):
        import_undo(Import.objects.get())


def test_a_maildir_is_imported(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "dir")
    for number in range(5):
        box.add(_mail(number))
    assert import_run("maildir", tmp_path / "dir").visible == 5


@pytest.mark.torture
def test_every_mail_of_the_corpora_becomes_a_visible_message(full: bool, tmp_path: Path) -> None:
    """Every fourth in the short run."""
    folder = shared_data("mail")
    if not full:
        files = sorted(path for path in folder.rglob("*") if path.is_file())[::4]
        folder = tmp_path / "some"
        folder.mkdir()
        for number, path in enumerate(files):
            (folder / f"{number}{path.suffix}").write_bytes(path.read_bytes())
    result = import_run("eml", folder)
    assert result.read == result.visible + result.skipped
    assert result.read > (1000 if full else 250)


CSV = """First Name;Last Name;E-mail Address;Mobile Phone;Company;City;Tags;Shoe size
Ada;Lovelace;ada@outside.example;+44 20 7946 0000;Analytical;London;vip, old;38
Bob;B;bob@outside.example;;Analytical;Leeds;;44
;;info@outside.example;;;;;
Ada;King;ada@outside.example;;;London;;39
"""


def test_people_are_updated_instead_of_doubled(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(CSV)
    result = import_run("csv", path)
    assert result.mapping["Shoe size"] == "custom.shoe_size"
    assert Contact.objects.count() == 2
    ada = Identity.objects.get(external_id="ada@outside.example").contact
    assert ada is not None
    assert (ada.given_name, ada.city, ada.custom) == ("Ada", "London", {"shoe_size": "39"})
    assert Identity.objects.get(external_id="info@outside.example").contact is None
    import_run("csv", path)
    assert Contact.objects.count() == 2


def test_an_import_of_people_is_taken_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(CSV)
    import_run("csv", path)
    import_undo(Import.objects.get())
    assert not Contact.objects.exists()


def _broken_after(tmp_path: Path, good: int) -> Path:
    path = tmp_path / "broken.csv"
    rows = "".join(f"Person {n},person{n}@example.org,Cork\n" for n in range(good))
    path.write_text(f'Name,Email,City\n{rows}"{"x" * 2_000_000}",big@example.org,Cork\n')
    return path


def test_what_came_before_a_file_broke_off_is_taken_back(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="more than a million characters"):
        import_run("csv", _broken_after(tmp_path, good=450))
    record = Import.objects.get()
    assert (record.state, record.visible) == ("failed", 400)
    assert "more than a million characters" in record.error
    assert Contact.objects.count() == 400
    import_undo(record)
    assert not Contact.objects.exists()


def test_of_an_import_that_brought_nothing_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused):
        import_run("csv", _broken_after(tmp_path, good=3))
    assert not Import.objects.exists()


def test_vcards_with_several_addresses_make_one_person(tmp_path: Path) -> None:
    path = tmp_path / "cards.vcf"
    path.write_text(
        "BEGIN:VCARD\nVERSION:3.0\nFN:Grace Hopper\nN:Hopper;Grace;;;\nEMAIL:grace@navy.example\n"
        "EMAIL:g@hopper.example\nORG:Navy\nTEL:+1 202 555 0100\nEND:VCARD\nBEGIN:VCARD\nbroken\n"
    )
    import_run("vcard", path)
    contact = Contact.objects.get()
    assert contact.given_name == "Grace"
    assert contact.identities.count() == 3


def test_a_missing_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="There is no"):
        import_run("mbox", tmp_path / "nowhere")


def _rows() -> dict[str, list[tuple[object, ...]]]:
    """All that an import may bring, as it stands in the database."""
    from django.apps import apps

    names = (
        "contact identity identityhandle identitylink fact tag contacttag organization affiliation nameword"
    )
    return {
        name: sorted(
            tuple(str(v) for k, v in sorted(row.items()) if not (name == "nameword" and k == "id"))
            for row in apps.get_model("contacts", name).objects.values()
        )
        for name in names.split()
    }  # type: ignore[return-value]


def test_what_was_there_before_an_import_is_there_after_its_undo_to_the_last_column(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "Name,Email,City,Company,Tags\nBob Byrne,bob@outside.example,Cork,Old Firm,vip\n"
        "Orla Byrne,orla@outside.example,Cork,Old Firm,old\n"
    )
    import_run("csv", path)
    before = _rows()
    path.write_text(
        "Name,Email,E-mail 2 - Value,City,Company,Tags,Phone\n"
        "Robert Byrne,bob@outside.example,bob@home.example,Dublin,New Firm,vip new,+353 1 496 0000\n"
        "Zoe Zed,zoe@outside.example,,Bray,Old Firm,fresh,\n"
    )
    import_run("csv", path)
    assert _rows() != before
    assert import_undo(Import.objects.latest("created_at")) == 1
    assert _rows() == before


def test_whoever_was_worked_with_since_stays_when_the_import_goes(tmp_path: Path) -> None:
    from kith.contacts.services import fact_record

    path = tmp_path / "people.csv"
    path.write_text("Name,Email,City\nBob,bob@outside.example,Cork\nAda,ada@outside.example,London\n")
    import_run("csv", path)
    bob = Identity.objects.get(external_id="bob@outside.example").contact
    assert bob is not None
    fact_record(contact_id=bob.pk, attribute="name", value="Bob", source="told_us")
    assert import_undo(Import.objects.get()) == 1
    bob.refresh_from_db()
    assert (bob.name, bob.city) == ("Bob", "")
    assert Identity.objects.get(external_id="bob@outside.example").contact == bob
    assert Contact.objects.count() == 1


def test_a_dry_run_says_what_would_happen_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "Name,Email\nBob,bob@outside.example\nAda,not an address\n,info@outside.example\nRobert,bob@outside.example\n"
    )
    found = import_run("csv", path, dry_run=True)
    assert (found.read, found.visible, found.updated, found.skipped) == (4, 3, 1, 1)
    assert [line for line, _why in found.problems] == [3, 4]
    assert not Contact.objects.exists()
    import_run("csv", path)
    again = import_run("csv", path, dry_run=True)
    assert (again.visible - again.updated, again.updated) == (1, 2)  # Ada has no address to know her by


def _uploaded(name: str, content: bytes) -> Import:
    import io

    from kith.teams.models import User
    from kith.workspace.imports.screen import import_check, import_upload

    user = User.objects.filter(email="m@us.example").first() or User.objects.create(
        email="m@us.example", name="M"
    )
    record = import_upload(name=name, file=io.BytesIO(content), user=user)
    import_check(record)
    record.refresh_from_db()
    return record


def test_a_zip_of_a_maildir_is_unpacked_inside_its_folder_only(tmp_path: Path) -> None:
    import io
    import zipfile

    from kith.workspace.imports.screen import import_file, import_start

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(4):
            archive.writestr(f"Maildir/cur/{number}:2,S", _mail(number).as_bytes())
        archive.writestr("../../../etc/evil/cur/9", _mail(9).as_bytes())
        archive.writestr("Maildir/tmp/half", b"never delivered")
    record = _uploaded("mail.zip", out.getvalue())
    assert (record.state, record.found["visible"]) == ("checked", 5)
    assert not Message.objects.exists()
    import_start(record)
    record.refresh_from_db()
    import_file(record)
    record.refresh_from_db()
    assert (record.state, record.visible, record.file) == ("done", 5, "")
    assert import_undo(record) == 5
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.exe", b"MZ", "this is none"),
        ("x.zip", b"PK\x03\x04broken", "can't be opened"),
        ("x.csv", b"", "empty"),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(name: str, content: bytes, words: str) -> None:
    def refusal() -> str:
        try:
            return str(_uploaded(name, content).error)
        except ImportRefused as error:
            return str(error)

    assert words in refusal()


@pytest.mark.parametrize("stage", ["checking", "running"])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (OSError(errno.EACCES, "no"), "disturbed"),
    ],
)
def test_an_import_on_a_full_disk_ends_in_words(
    stage: str, error: OSError, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the worker: tried again, and after the last try somebody who looks at it reads why."""
    import io
    import zipfile

    from kith.workspace.imports import screen

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("Maildir/cur/1:2,S", _mail(1).as_bytes())
    user = User.objects.create(email="m@us.example", name="M")
    record = screen.import_upload(name="mail.zip", file=io.BytesIO(out.getvalue()), user=user)
    task = {"checking": import_check_run, "running": import_file_run}[stage]
    Import.objects.filter(pk=record.pk).update(state=stage)

    def full(path: Path, folder: Path) -> None:
        raise error

    monkeypatch.setattr(screen, "_unpack", full)
    for attempts in range(3):
        record.refresh_from_db()
        assert record.state == stage
        with pytest.raises(OSError, match=error.strerror):
            task(SimpleNamespace(job=SimpleNamespace(attempts=attempts)), import_id=str(record.pk))
    record.refresh_from_db()
    assert (record.state, record.file) == ("failed", "")
    assert words in record.error


def test_an_import_that_kills_its_workers_ends_in_words() -> None:
    user = User.objects.create(email="m@us.example", name="M")
    record = Import.objects.create(kind="csv", source="a.csv", started_by=user, state="checking")
    number = jobs.defer(import_check_run, import_id=str(record.pk))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', attempts = %s WHERE id = %s",
            [jobs.MAX_DEATHS, number],
        )
    jobs.retry_stalled()
    record.refresh_from_db()
    assert record.state == "failed"
    assert "disturbed" in record.error
