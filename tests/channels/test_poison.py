"""A poisonous item takes nothing from the good ones beside it."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from kith.channels import parser as parsing
from kith.channels import receive
from kith.channels.models import RawItem
from kith.channels.parser import Parser
from kith.connectors import child
from kith.connectors.contract import Media
from kith.connectors.contract import RawItem as WireItem
from kith.conversations.models import Attachment, Message
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


@pytest.mark.parametrize(
    ("harm", "place", "said"),
    [
        ("dies", 0, "died"),
        ("dies", 7, "died"),
        ("dies", 19, "died"),
        ("counts", 7, "time: "),
    ],
)
def test_what_ends_the_parser_takes_nothing_from_its_group(
    harm: str, place: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mails go to the child sixteen at a time."""
    monkeypatch.setattr(parsing, "CHILD", "tests.support.fragile_child")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parents[2]}:{Path(child.__file__).parents[2]}")
    account = house.mailbox()
    receive.raw_items_store(account, [numbered(n, harm if n == place else "not") for n in range(20)])
    with Parser() as parser:
        while receive.raw_items_parse(account.pk, parser):
            continue
    aside = RawItem.objects.get(state="set_aside")
    assert (aside.external_id, said in aside.error) == (str(place), True), aside.error
    read = Message.objects.filter(unreadable="")
    assert sorted(int(m.subject) for m in read) == [n for n in range(20) if n != place]


def numbered(number: int, harm: str) -> WireItem:
    head = f"From: a@b.example\r\nMessage-ID: <{number}@b.example>\r\nSubject: {number}\r\nX-Fragile: {harm}"
    return WireItem(str(number), f"{head}\r\n\r\nHello {number}".encode())


@pytest.mark.parametrize("size", [0, 1, child.BESIDE, child.BESIDE + 1, 3 * child.BESIDE])
def test_files_small_and_large_arrive_as_they_are(size: int) -> None:
    """Small ones come beside what the child says, others as files."""
    account = house.mailbox()
    files = [bytes([number]) * size for number in range(1, 21)]
    message = EmailMessage()
    message["From"], message["Message-ID"] = "ada@outside.example", f"<{size}@outside.example>"
    message.set_content("see attached")
    for number, content in enumerate(files):
        message.add_attachment(content, maintype="application", subtype="x", filename=f"{number}")
    receive.raw_items_store(account, [WireItem("1", message.as_bytes()), numbered(2, "not")])
    with Parser() as parser:
        assert receive.raw_items_parse(account.pk, parser) == 2
        assert list(parser.folder.iterdir()) == []
    found = {int(a.file_name): blobs.read(a.digest) for a in Attachment.objects.all()}
    assert found == dict(enumerate(files))
    assert Message.objects.filter(subject="2").exists()


@pytest.mark.parametrize(
    "said",
    [
        b"[]\n",
        b'{"events": [], "bytes": -1}\n',
        b'{"events": [], "bytes": "x"}\n',
        b"{\n",
        b"\xff\xfe\n",
        b"1\n",
    ],
)
def test_an_answer_that_is_none_ends_the_child(said: bytes) -> None:
    replies = parsing._Replies()
    with pytest.raises(ValueError):  # noqa: PT011  (JSON's and Unicode's errors are some)
        replies.feed(said)


@pytest.mark.parametrize("cut", [1, 2, 3, 1000])
def test_answers_may_come_in_any_pieces(cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = b'{"events": [], "bytes": 3}\nab\n{"events": [1]}\n{"events": [], "bytes": 1}\nz'
    replies = parsing._Replies()
    for start in range(0, len(whole), cut):
        replies.feed(whole[start : start + cut])
    assert [beside for _, beside in replies.replies] == [b"ab\n", b"", b"z"]
    monkeypatch.setattr(parsing, "MAX_REPLY", 5)
    with pytest.raises(ValueError, match="too much"):
        parsing._Replies().feed(b"no end of a line")


@pytest.mark.parametrize(
    "events",
    [[1], [{}], "x", {"a": 1}, [{"kind": "message_received", "media": 5}], [{"kind": "message_received", "media": [7]}],
     [{"kind": "message_received", "media": [{"bytes": "x"}]}]],
)  # fmt: skip
def test_events_that_are_none_are_bad_payload(events: object) -> None:
    with Parser() as parser:
        assert parser._parsed({"events": events}, b"").problem == "bad_payload"
