"""What is nobody's fault (a full disk, a crash between two writes, an old version) loses nothing and doubles nothing."""

from __future__ import annotations

import errno
import hashlib
import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from kith.channels import receive, runner
from kith.channels.models import Cursor, RawItem
from kith.channels.parser import Parsed, Parser
from kith.channels.receive import raw_item_retry, raw_items_parse, raw_items_store
from kith.connectors import child
from kith.connectors.contract import MessageReceived, Page
from kith.connectors.contract import RawItem as WireItem
from kith.conversations.models import Attachment, ConversationScope, Message
from kith.core import blobs
from kith.networks.models import ChannelAccount, ChannelHealth
from tests.support import house

pytestmark = pytest.mark.django_db
LARGE = 300 * 1024


def mail(number: int = 1, *, filler: int = 0, file: bytes = b"") -> WireItem:
    message = EmailMessage()
    message["From"], message["Message-ID"] = "ada@outside.example", f"<{number}@outside.example>"
    message["Subject"] = "The bell"
    message.set_content("Hello" + "\nx" * (filler // 2))
    if file:
        message.add_attachment(file, maintype="application", subtype="pdf", filename="a.pdf")
    return WireItem(f"INBOX:1:{number}", message.as_bytes(), meta={"folder": "INBOX", "uid": str(number)})


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


class Network:
    """One page of mails, again and again."""

    def __init__(self, *items: WireItem) -> None:
        self.items = items

    def fetch(self, cursor: str, *, limit: int) -> Page:
        return Page(self.items, "the end")


def test_a_full_disk_takes_nothing_in_says_what_to_do_and_goes_on_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = house.mailbox()
    network = Network(mail(1), mail(2, filler=LARGE))
    with monkeypatch.context() as patch:
        patch.setattr(blobs.os, "fsync", full_disk)
        with pytest.raises(blobs.StoreFull, match="Make room under") as told:
            runner.fetch_all(account, network)  # type: ignore[arg-type]
        runner.account_troubled(account, told.value, 1)
    assert not RawItem.objects.exists()
    assert not Cursor.objects.exists(), "it will be fetched again"
    assert "Make room under" in ChannelHealth.objects.get().last_error
    assert not list((blobs.folder() / "new").glob("*")), "no half of a file is left"
    runner.fetch_all(account, network)  # type: ignore[arg-type]
    with Parser() as parser:
        while raw_items_parse(account.pk, parser):
            continue
    assert Message.objects.count() == 2


def test_a_disk_that_is_full_when_files_are_stored_sets_nothing_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = house.mailbox()
    raw_items_store(account, [mail(1), mail(2, file=b"%PDF-1.4 two")])
    with Parser() as parser:
        with monkeypatch.context() as patch:
            patch.setattr(blobs.os, "fsync", full_disk)
            assert runner._parse_some(account.pk, parser) == 0
        assert set(RawItem.objects.values_list("state", flat=True)) == {"new"}
        assert "Make room under" in ChannelHealth.objects.get().last_error
        assert runner._parse_some(account.pk, parser) == 2
    assert set(RawItem.objects.values_list("state", flat=True)) == {"done"}
    assert blobs.read(Attachment.objects.get().digest) == b"%PDF-1.4 two"


def test_a_disk_that_is_full_for_the_parser_sets_nothing_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = mail(1, file=b"%PDF-1.4 one" * 10_000)
    request: dict[str, Any] = {
        "network": "email",
        "settings": {"address": "info@us.example"},
        "own": None,
        "items": [{"external_id": wire.external_id, "at": None, "meta": {}}],
    }
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_disk)
        reply = json.loads(child.answer(request, request["items"][0], wire.body, tmp_path, {}))
    assert reply["problem"] == "no_room"

    account = house.mailbox()
    raw_items_store(account, [wire])
    with Parser() as parser:
        with monkeypatch.context() as patch:
            patch.setattr(Parser, "parse", lambda *_, **__: [Parsed(problem="no_room", error=reply["error"])])
            assert runner._parse_some(account.pk, parser) == 0
        assert RawItem.objects.get().state == "new"
        assert runner._parse_some(account.pk, parser) == 1
    assert Attachment.objects.count() == 1


def test_a_crash_between_the_bytes_and_their_row_doubles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of a large mail are written first; who dies before its row is stored fetches it again."""
    account = house.mailbox()
    wire = mail(1, filler=LARGE)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    digest = hashlib.sha256(wire.body).hexdigest()
    with monkeypatch.context() as patch:
        patch.setattr(receive, "copy", killed)
        with pytest.raises(KeyboardInterrupt):
            raw_items_store(account, [wire], cursor="1")
    written = set(blobs.all_digests())
    assert digest in written
    assert not RawItem.objects.exists()
    for _ in range(2):
        raw_items_store(account, [wire], cursor="1")
    with Parser() as parser:
        while raw_items_parse(account.pk, parser):
            continue
    assert set(blobs.all_digests()) == written
    assert RawItem.objects.count() == Message.objects.count() == ConversationScope.objects.count() == 1


def test_what_a_later_version_understands_takes_the_place_of_the_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = house.mailbox()
    raw_items_store(account, [mail(1), mail(2)])
    plain = Parser.parse

    def fails_on_the_first(self: Parser, **given: Any) -> list[Parsed]:
        found = plain(self, **given)
        if given["items"][0].external_id == "INBOX:1:1":
            found[0] = Parsed(problem="crash", error="ValueError: not in this version")
        return found

    with Parser() as parser:
        with monkeypatch.context() as patch:
            patch.setattr(Parser, "parse", fails_on_the_first)
            raw_items_parse(account.pk, parser)
        aside = RawItem.objects.get(state="set_aside")
        assert "not in this version" in aside.error
        note = Message.objects.exclude(unreadable="").get()
        assert note.external_id == f"unreadable:{aside.digest}"
        raw_item_retry(aside)
        assert raw_items_parse(account.pk, parser) == 1
    aside.refresh_from_db()
    assert (aside.state, aside.error) == ("done", "")
    assert not Message.objects.exclude(unreadable="").exists(), "the note has gone"
    assert sorted(Message.objects.values_list("external_id", flat=True)) == [
        "1@outside.example",
        "2@outside.example",
    ]
    assert sum(ConversationScope.objects.values_list("message_count", flat=True)) == 2, "nor is it counted"


def test_an_error_of_the_bytes_is_no_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what no item is to blame for is tried again for ever."""
    account = house.mailbox()
    raw_items_store(account, [mail(1)])

    def breaks(*_: object) -> list[MessageReceived]:
        raise OSError(errno.ENAMETOOLONG, "File name too long")

    monkeypatch.setattr(receive, "events_apply", breaks)
    with Parser() as parser:
        assert runner._parse_some(account.pk, parser) == 1
    assert RawItem.objects.get().state == "set_aside"
    assert ChannelAccount.objects.get().state == "active"
