"""A deletion request counts with a signature that holds, once, in one form, for a week; anything else is a named error."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from kith.connectors.contract import BadPayload, Forged
from kith.connectors.facebook import signed

SECRET = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def request(secret: str = SECRET, *, payload: bytes | None = None, **changed: Any) -> str:
    said = {"algorithm": "HMAC-SHA256", "issued_at": int(NOW.timestamp()), "user_id": "218471", **changed}
    encoded = b64(json.dumps(said).encode() if payload is None else payload)
    return f"{b64(hmac.new(secret.encode(), encoded.encode(), hashlib.sha256).digest())}.{encoded}"


def read(text: str) -> signed.Signed:
    return signed.read(f"signed_request={text}".encode(), SECRET, now=NOW)


def test_a_signed_one_says_who_asks_and_when() -> None:
    assert read(request()) == signed.Signed("218471", NOW)
    assert read(request(expires=0, algorithm="hmac-sha256")).user_id == "218471"


def test_the_signature_is_the_one_that_the_network_documents() -> None:
    """Made by another program than this one: openssl dgst -sha256 -hmac over the encoded payload."""
    payload = "eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTc5NTM0ODgwMCwidXNlcl9pZCI6IjIxODQ3MSJ9"
    assert read(f"bvfZNss9VdrUQW2-HDEAo2SQ_C1amz32_9d9aX5443c.{payload}").user_id == "218471"


@pytest.mark.parametrize(
    "text",
    [
        request("another-secret-altogether"),
        request(""),
        request(algorithm="HMAC-SHA1"),
        request(algorithm="none"),
        request(algorithm=None),
        request(issued_at=int((NOW - timedelta(days=8)).timestamp())),
        request(issued_at=int((NOW + timedelta(hours=1)).timestamp())),
        request()[:20] + "A" + request()[21:],
        request()[:-2],
        "A." + request().partition(".")[2],
    ],
)
def test_what_is_not_signed_for_now_is_forged(text: str) -> None:
    with pytest.raises(Forged):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "abc",
        "abc.",
        ".abc",
        "a.b.c",
        "a b.c",
        quote("ä.ö"),
        "%00.%00",
        "%ff%fe.%ff",
        request(payload=b"\xff\xfe"),
        request(payload=b"[" * 5000),
        request(payload=b"null"),
        request(payload=b"not json"),
        request(user_id=None),
        request(user_id=218471),
        request(user_id=""),
        request(user_id="../1"),
        request(user_id="1\x00"),
        request(user_id="1\n"),
        request(user_id="9" * 33),
        request(issued_at=None),
        request(issued_at="1"),
        request(issued_at=True),
        request(issued_at=-1),
        request(issued_at=10**30),
        request() + "&signed_request=" + request(),
        "x" * 20_000,
        request() + "&a=1" * 30,
    ],
)
def test_what_can_not_be_understood_is_a_bad_payload(text: str) -> None:
    with pytest.raises(BadPayload):
        read(text)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"\x00", b"{}", b"other=1", "signed_request=ü".encode()])
def test_what_is_no_such_form_is_a_bad_payload(body: bytes) -> None:
    with pytest.raises(BadPayload):
        signed.read(body, SECRET, now=NOW)


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(Forged):
        signed.read(f"signed_request={request('')}".encode(), "", now=NOW)
