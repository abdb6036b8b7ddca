"""Attachments are inert, whatever they claim to be, are called, or unpack to."""

from __future__ import annotations

import io
import struct
import time
import zlib
from typing import Any

import pytest
from PIL import Image

from kith.core import blobs
from kith.web.pictures import redrawn
from tests.support.cast import cast_make
from tests.web.people import signed_in

pytestmark = pytest.mark.django_db
SCRIPT = b"<script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


def _png(width: int = 8, height: int = 8) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "PNG")
    return out.getvalue()


def _png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few kB that says it is enormous."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 3_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _attached(content: bytes, *, content_type: str, file_name: str) -> Any:
    from kith.conversations.models import Attachment

    cast = cast_make()
    digest, size = blobs.put(content)
    return Attachment.objects.create(
        message_id=cast.mail(cast.everyone).message_id,
        file_name=file_name,
        content_type=content_type,
        digest=digest,
        size=size,
    )


@pytest.mark.parametrize(
    ("content", "content_type", "file_name"),
    [
        (SCRIPT, "text/html", "page.html"),
        (SVG, "image/svg+xml", "picture.svg"),
        (SCRIPT, "image/png", "picture.png"),
        (SCRIPT, "text/html; charset=utf-7", "x.html"),
        (SCRIPT, "application/xhtml+xml", "x.xhtml"),
        (b"%PDF-1.7", "application/pdf", "x.pdf"),
        (SCRIPT, "text/javascript", "x.js"),
        (SCRIPT, "multipart/x-mixed-replace", "x"),
        (SCRIPT, "text/html\r\nX-Evil: 1", "x"),
        (SCRIPT, "text/plain", 'a"; filename="evil.html'),
        (SCRIPT, "text/plain", "../../../../etc/passwd"),
        (SCRIPT, "text/plain", "..\\..\\evil.exe"),
        (SCRIPT, "text/plain", "line\r\nSet-Cookie: a=b"),
        (SCRIPT, "text/plain", "\u202efdp.exe"),
    ],
)
def test_a_file_is_a_download_of_no_type(content: bytes, content_type: str, file_name: str) -> None:
    found = _attached(content, content_type=content_type, file_name=file_name)
    client, _ = signed_in("Olga2", "owner")
    answer = client.get(f"/files/{found.pk}/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "X-Evil" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    shown = client.get(f"/files/{found.pk}/preview/")
    assert shown.status_code == 404


def test_a_picture_is_drawn_anew() -> None:
    """What was hidden behind or inside a real picture does not reach the browser."""
    found = _attached(_png() + SCRIPT + SVG, content_type="image/png", file_name="x.png")
    client, _ = signed_in("Olga2", "owner")
    answer = client.get(f"/files/{found.pk}/preview/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] in ("image/png", "image/jpeg")
    assert b"script" not in answer.content
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_where_a_photo_was_taken_is_not_passed_on() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    Image.new("RGB", (40, 20)).save(out, "JPEG", exif=exif)
    assert b"secret place" in out.getvalue()
    drawn = redrawn(out.getvalue())
    assert drawn is not None
    assert b"secret place" not in drawn[0]


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"\x89PNG",
            b"GIF89a",
            SVG,
            SCRIPT,
            b"RIFF\x00\x00\x00\x00WEBP",
            b"\xff\xd8\xff\xe0" + b"\0" * 100,
        ),
        *(
            _png()[:40],
            b"BM" + b"\0" * 60,
            b"P6 9999999 9999999 255 ",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        ),
        *(
            _png_bomb(60_000, 60_000),
            _png_bomb(5_000, 4_000),
            _png_bomb(2**31 - 1, 2**31 - 1),
            _png_bomb(0, 0),
        ),
    ],
)
def test_what_is_no_picture_or_too_large_is_not_drawn(content: bytes) -> None:
    begin = time.process_time()
    assert redrawn(content) is None
    assert time.process_time() - begin < 2


def test_a_large_photo_becomes_small() -> None:
    drawn = redrawn(_png(3000, 2000))
    assert drawn is not None
    with Image.open(io.BytesIO(drawn[0])) as image:
        assert max(image.size) == 1600


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "/..", "", "..", "a/b", "\0"]
)
def test_blobs_are_named_by_digests_alone(name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        blobs.path_of(name)


def test_a_blob_is_not_a_face_by_its_hash() -> None:
    """Who knows the hash of a picture from another team's conversation still may not see it."""
    from kith.contacts.models import Identity

    digest, _size = blobs.put(_png(9, 9))
    client, user = signed_in("Carl2", "agent")
    assert client.get(f"/faces/{digest}/").status_code == 404
    Identity.objects.create(network="email", external_id="x@x.example", avatar=digest)
    assert client.get(f"/faces/{digest}/").status_code == 200
    assert user.is_active


def test_a_colleague_without_the_scope_gets_neither_file_nor_preview() -> None:
    from kith.conversations.models import Attachment

    cast = cast_make()
    digest, size = blobs.put(_png())
    found = Attachment.objects.create(
        message_id=cast.mail(cast.private).message_id,
        file_name="x.png",
        content_type="image/png",
        digest=digest,
        size=size,
    )
    client, _ = signed_in("Pia2", "owner")
    for path in (f"/files/{found.pk}/", f"/files/{found.pk}/preview/"):
        assert client.get(path).status_code == 404
    for part in ("html", "frame", "text"):
        assert client.get(f"/messages/{found.message_id}/{part}/").status_code == 404
