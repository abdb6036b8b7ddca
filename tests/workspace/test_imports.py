"""Imports: nothing doubled, everything counted and visible, and taken back whole."""

from __future__ import annotations

import mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest

from kith.contacts.models import Contact, Identity
from kith.conversations.models import ConversationScope, Message
from kith.workspace.imports import ImportRefused, import_run, import_undo
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


def test_every_mail_of_the_corpora_becomes_a_visible_message() -> None:
    result = import_run("eml", shared_data("mail"))
    assert result.read == result.visible + result.skipped
    assert result.read > 1000


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
