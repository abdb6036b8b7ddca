"""Raw bytes first, then a capped child, then rows; nothing dropped, nothing blocks a mailbox (law 2)."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from kith.channels.models import Cursor, RawItem
from kith.channels.parser import Parser
from kith.channels.receive import raw_item_retry, raw_items_parse, raw_items_store
from kith.connectors.contract import RawItem as WireItem
from kith.conversations.models import Attachment, ConversationScope, Message
from kith.core import blobs
from kith.networks.models import ChannelAccount
from tests.support import house

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as made:
        yield made


def mail(number: int, text: str = "Hello", **headers: str) -> WireItem:
    message = EmailMessage()
    message["From"] = "Ada Lovelace <ada@outside.example>"
    message["To"] = "info@us.example"
    message["Subject"] = "The bell"
    message["Date"] = "Tue, 03 Nov 2026 12:00:00 +0000"
    message["Message-ID"] = f"<{number}@outside.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return WireItem(f"INBOX:1:{number}", message.as_bytes(), meta={"folder": "INBOX", "uid": number})


def parse_all(account: ChannelAccount, parser: Parser) -> None:
    while raw_items_parse(account.pk, parser):
        continue


def test_a_mail_becomes_a_message_in_a_conversation(parser: Parser) -> None:
    account = house.mailbox()
    assert raw_items_store(account, [mail(1)], cursor="c1") == 1
    assert Cursor.objects.get().position == "c1"
    parse_all(account, parser)
    message = Message.objects.get()
    assert (message.subject, message.text.strip(), message.direction) == ("The bell", "Hello", "in")
    assert ConversationScope.objects.get().snippet == "Hello"
    assert RawItem.objects.get().state == "done"


def test_storing_the_same_items_again_changes_nothing(parser: Parser) -> None:
    account = house.mailbox()
    for _ in range(3):
        raw_items_store(account, [mail(1), mail(2)])
        parse_all(account, parser)
    assert RawItem.objects.count() == Message.objects.count() == 2


def test_a_changed_uidvalidity_doubles_nothing(parser: Parser) -> None:
    account = house.mailbox()
    for session in range(5):
        items = [WireItem(f"INBOX:{session}:{n}", mail(n).body, meta={"folder": "INBOX"}) for n in range(3)]
        raw_items_store(account, items)
        parse_all(account, parser)
    assert Message.objects.count() == 3


def test_an_unreadable_item_is_visible_and_the_next_one_arrives(parser: Parser) -> None:
    account = house.account("webhook", settings={})
    raw_items_store(account, [WireItem("bad", b"{not json"), WireItem("bad2", b"\x00\xff")])
    raw_items_store(
        account, [WireItem("good", b'{"type":"message.received","data":{"from":{"id":"a"},"text":"hi"}}')]
    )
    parse_all(account, parser)
    assert RawItem.objects.filter(state="set_aside").count() == 2
    assert Message.objects.exclude(unreadable="").count() == 2
    assert Message.objects.filter(text="hi", unreadable="").exists()
    assert ConversationScope.objects.count() == 3


def test_retrying_a_set_aside_item_that_still_fails_says_so_once(parser: Parser) -> None:
    account = house.account("webhook", settings={})
    raw_items_store(account, [WireItem("bad", b"{not json")])
    for _ in range(3):
        parse_all(account, parser)
        raw_item_retry(RawItem.objects.get())
    parse_all(account, parser)
    assert Message.objects.count() == 1


def test_attachments_are_stored_by_content(parser: Parser) -> None:
    account = house.mailbox()
    message = EmailMessage()
    message["From"] = "ada@outside.example"
    message["Message-ID"] = "<a@outside.example>"
    message.set_content("see attached")
    message.add_attachment(b"%PDF-1.4 x", maintype="application", subtype="pdf", filename="invoice.pdf")
    raw_items_store(account, [WireItem("1", message.as_bytes())])
    parse_all(account, parser)
    attachment = Attachment.objects.get()
    assert blobs.read(attachment.digest) == b"%PDF-1.4 x"
    assert attachment.file_name == "invoice.pdf"


def test_the_parser_outlives_what_kills_its_child(parser: Parser) -> None:
    account = house.account("hostile", settings={"mode": "exits"})
    raw_items_store(account, [WireItem("x", b"{}")])
    parse_all(account, parser)
    assert RawItem.objects.get().state == "set_aside"
    mailbox = house.mailbox()
    raw_items_store(mailbox, [mail(1)])
    parse_all(mailbox, parser)
    assert Message.objects.filter(subject="The bell").exists()


def test_a_mailbox_may_take_only_people_we_know(parser: Parser) -> None:
    account = house.mailbox(intake="known")
    raw_items_store(account, [mail(1)])
    parse_all(account, parser)
    assert not Message.objects.exists()
    raw = RawItem.objects.get()
    assert bytes(raw.body or b"") == b""
    assert "known" in raw.error


def test_a_mail_that_claims_to_be_from_us_is_not_ours_unless_it_lay_in_sent(parser: Parser) -> None:
    account = house.mailbox()
    forged = mail(1).body.replace(b"Ada Lovelace <ada@outside.example>", b"info@us.example")
    raw_items_store(account, [WireItem("INBOX:1:1", forged, meta={"folder": "INBOX"})])
    parse_all(account, parser)
    assert Message.objects.get().direction == "in"
    real = mail(2).body.replace(b"Ada Lovelace <ada@outside.example>", b"info@us.example")
    raw_items_store(account, [WireItem("Sent:1:1", real, meta={"folder": "Sent", "is_sent_folder": True})])
    parse_all(account, parser)
    assert Message.objects.get(external_id__contains="2@").direction == "out"
