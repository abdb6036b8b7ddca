"""A poisonous item takes nothing from the good ones beside it."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from kith.channels import receive
from kith.channels.models import RawItem
from kith.channels.parser import Parser
from kith.connectors.contract import Media
from kith.connectors.contract import RawItem as WireItem
from kith.conversations.models import Attachment
from kith.core import blobs
from tests.support import house

pytestmark = pytest.mark.django_db


def test_attachments_survive_a_batch_that_is_recorded_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    account = house.mailbox()
    message = EmailMessage()
    message["From"], message["Message-ID"] = "ada@outside.example", "<a@outside.example>"
    message.set_content("see attached")
    message.add_attachment(b"%PDF-1.4 x", maintype="application", subtype="pdf", filename="a.pdf")
    receive.raw_items_store(
        account, [WireItem("1", message.as_bytes()), WireItem("2", b"From: b@c.example\r\n\r\nx")]
    )
    plain = receive.events_apply

    def fails_together(account: object, items: list[object]) -> None:
        plain(account, items)  # type: ignore[arg-type]
        if len(items) > 1:
            raise ValueError("poison")

    monkeypatch.setattr(receive, "events_apply", fails_together)
    with Parser() as parser:
        assert receive.raw_items_parse(account.pk, parser) == 2
        assert list(parser.folder.iterdir()) == []
    assert not RawItem.objects.exclude(state="done").exists()
    assert blobs.read(Attachment.objects.get().digest) == b"%PDF-1.4 x"


def test_a_parser_may_name_only_files_of_its_folder() -> None:
    with Parser() as parser:
        mine = parser.folder / "mine"
        mine.write_bytes(b"x")
        (parser.folder / "link").symlink_to("/etc/passwd")
        for path, kept in ((mine, True), ("/etc/passwd", False), (parser.folder / "link", False)):
            assert bool(parser._own_file(Media("f", "text/plain", path=str(path))).path) is kept
