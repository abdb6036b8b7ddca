"""Files that Outlook packs into winmail.dat come out; what can't be opened stays as it came."""

from __future__ import annotations

import base64
import struct

import pytest
from tests.connectors.email.test_parse import parse

from kith.connectors.email.parse.tnef import Packed, unpack


def attribute(number: int, value: bytes, level: int = 2) -> bytes:
    return struct.pack("<BII", level, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def padded(value: bytes) -> bytes:
    return struct.pack("<I", len(value)) + value + bytes(-len(value) % 4)


def properties(long_name: str, content_type: str = "", content_id: str = "") -> bytes:
    """As Outlook writes them: numbers, a named property, texts of two kinds, a list of numbers."""
    rows = [
        struct.pack("<HHI", 0x03, 0x0E20, 5),
        struct.pack("<HH", 0x0B, 0x8000) + bytes(16) + struct.pack("<I", 0) + struct.pack("<I", 7) + bytes(4),
        struct.pack("<HH", 0x03, 0x8001)
        + bytes(16)
        + struct.pack("<I", 1)
        + padded("n\0".encode("utf-16-le"))
        + bytes(4),
        struct.pack("<HHI", 0x1003, 0x1234, 2) + bytes(8),
        struct.pack("<HHI", 0x1F, 0x3707, 1) + padded((long_name + "\0").encode("utf-16-le")),
        struct.pack("<HHI", 0x0102, 0x3702, 1) + padded(b"xyz"),
    ]
    if content_type:
        rows.append(struct.pack("<HHI", 0x1E, 0x370E, 1) + padded(content_type.encode() + b"\0"))
    if content_id:
        rows.append(struct.pack("<HHI", 0x1E, 0x3712, 1) + padded(f"<{content_id}>\0".encode()))
    return struct.pack("<I", len(rows)) + b"".join(rows)


def envelope() -> bytes:
    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(0x00089006, struct.pack("<I", 0x10000), 1)
        + attribute(0x00069002, bytes(14))
        + attribute(0x00018010, b"OFFER~1.PDF\0")
        + attribute(0x0006800F, b"%PDF-1.7")
        + attribute(0x00069005, properties("Offer für März.pdf", "application/pdf"))
        + attribute(0x00069002, bytes(14))
        + attribute(0x00018010, "Größe.txt\0".encode("cp1252"))
        + attribute(0x0006800F, b"12 inches")
        + attribute(0x00069002, bytes(14))
        + attribute(0x0006800F, b"\x89PNG")
        + attribute(0x00069005, properties("logo.png", "image/png", "logo@01"))
    )


def test_names_types_and_contents() -> None:
    assert unpack(envelope()) == [
        Packed("Offer für März.pdf", b"%PDF-1.7", "application/pdf"),
        Packed("Größe.txt", b"12 inches"),
        Packed("logo.png", b"\x89PNG", "image/png", "logo@01"),
    ]


def mail_with(content: bytes) -> bytes:
    return (
        b"From: a@x.example\r\nTo: b@y.example\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain\r\n\r\nSee the offer.\r\n--m\r\n"
        b'Content-Type: application/ms-tnef; name="winmail.dat"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(content)
        + b"\r\n--m--\r\n"
    )


def test_the_files_stand_in_the_message_instead_of_the_envelope() -> None:
    message = parse(mail_with(envelope()))
    assert message.text == "See the offer."
    assert [(m.file_name, m.content_type, m.content, m.inline) for m in message.media] == [
        ("Offer für März.pdf", "application/pdf", b"%PDF-1.7", False),
        ("Größe.txt", "text/plain", b"12 inches", False),
        ("logo.png", "image/png", b"\x89PNG", True),
    ]


@pytest.mark.parametrize("content", [b"", b"no envelope", struct.pack("<IH", 0x223E9F78, 1)])
def test_what_is_no_envelope_stays_as_it_came(content: bytes) -> None:
    (media,) = parse(mail_with(content)).media
    assert (media.file_name, media.content) == ("winmail.dat", content)


def test_names_that_leave_their_folder_do_not() -> None:
    raw = envelope().replace(b"OFFER~1.PDF", b"../../e.PDF")
    assert unpack(raw)[0].content == b"%PDF-1.7"
    evil = (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(0x00069002, bytes(14))
        + attribute(0x00018010, b"../../etc/passwd\0")
        + attribute(0x0006800F, b"x")
    )
    (media,) = parse(mail_with(evil)).media
    assert "/" not in media.file_name


def test_cut_anywhere_it_gives_what_was_whole() -> None:
    whole = envelope()
    for length in range(len(whole)):
        for one in unpack(whole[:length]):
            assert one.content in (b"%PDF-1.7", b"12 inches", b"\x89PNG")


def test_lengths_that_lie_cost_nothing() -> None:
    liar = struct.pack("<IH", 0x223E9F78, 1) + attribute(0x00069002, bytes(14)) + attribute(0x0006800F, b"x")
    liar += attribute(
        0x00069005, struct.pack("<I", 0xFFFFFFFF) + struct.pack("<HHI", 0x1F, 0x3707, 0xFFFFFFFF)
    )
    assert [one.content for one in unpack(liar)] == [b"x"]
