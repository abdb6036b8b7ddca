"""Hostile and broken mails: each becomes a message, within 5 s of CPU and 512 MB."""

from __future__ import annotations

import base64
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kith.connectors.contract import MessageReceived
from kith.connectors.email.parse import MAX_PARTIES, Context, parse_mail

HEAD = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: bomb\r\nMessage-ID: <bomb@b.example>\r\nMIME-Version: 1.0\r\n"
HTML = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"


def nested(depth: int, kind: bytes = b"multipart/mixed", inner: bytes = b"deep down") -> bytes:
    opening = b"".join(
        b'Content-Type: %s; boundary="b%d"\r\n\r\n--b%d\r\n' % (kind, n, n) for n in range(depth)
    )
    closing = b"".join(b"\r\n--b%d--\r\n" % n for n in reversed(range(depth)))
    return HEAD + opening + b"Content-Type: text/plain\r\n\r\n" + inner + closing


BOMBS: dict[str, Callable[[], bytes]] = {
    "fifty levels": lambda: nested(50),
    "five thousand levels": lambda: nested(5000),
    "thirty levels around 20 MB": lambda: nested(30, inner=b"x" * 70 + (b"\r\n" + b"y" * 70) * 280_000),
    "fifty alternatives": lambda: nested(50, b"multipart/alternative"),
    "messages in messages": lambda: HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 5000,
    "twenty thousand recipients": lambda: HEAD
    + b"Cc: " + b",\r\n ".join(b'"Person %d" <p%d@d.example>' % (n, n) for n in range(20_000)) + b"\r\n\r\nhello",
    "a megabyte of encoded words": lambda: HEAD.replace(
        b"Subject: bomb", b"Subject: " + b"\r\n ".join([b"=?utf-8?B?" + base64.b64encode(b"word" * 8) + b"?="] * 20_000)
    ) + b"\r\nhello",
    "a megabyte of encoded words in a name": lambda: HEAD
    + b"Cc: " + b" ".join([b"=?utf-8?q?w=C3=B6rd?="] * 50_000) + b" <p@d.example>\r\n\r\nhello",
    "half of an encoded word, often": lambda: HEAD + b"X: 1\r\nSubject: " + b"=?utf-8?q?" * 100_000 + b"\r\n\r\nhello",
    "two hundred thousand divs": lambda: HTML + b"<div>" * 200_000 + b"hello" + b"</div>" * 200_000,
    "two hundred thousand quotes": lambda: HTML + b"<blockquote>" * 200_000 + b"hello" + b"</blockquote>" * 200_000,
    "one million open brackets": lambda: HTML + b"<" * 1_000_000 + b"hello",
    "comments that never end": lambda: HTML + b"hello" + b"<!--" * 400_000,
    "styles that never end": lambda: HTML + b"hello" + b"<style" * 400_000,
    "heads and pres": lambda: HTML + b"hello" + b"<head><pre>" * 150_000,
    "entities": lambda: HTML + b"hello" + b"&#" + b"9" * 500_000 + b";" + b"&nbsp;" * 300_000 + b"&" * 300_000,
    "attributes that look like marks": lambda: HTML + b"<div " + b"class=gmail_quot " * 100_000 + b">hello",
    "spaces": lambda: HTML + b"hello" + b" \xc2\xa0\t" * 500_000 + b"end",
    "a line of 20 MB": lambda: HEAD + b"\r\n" + b"hello " + b"x" * 20_000_000,
    "three million lines": lambda: HEAD + b"\r\nhello" + b"\r\n" * 3_000_000,
    "quoted lines": lambda: HEAD + b"\r\nhello\r\n" + b"> " * 500_000 + b"\r\n> x" * 200_000,
    "lines that look like reply headers": lambda: HEAD + b"\r\nhello\r\n" + b"On 12.12.2012 at 12:12 wrote a@b.example -\r\n" * 60_000,
    "lines that look like fields": lambda: HEAD + b"\r\nhello\r\n" + b"From: x\r\nSent: y\r\n\r\n" * 60_000,
    "a header of 20 MB": lambda: HEAD + b"X-Big: " + b"y" * 20_000_000 + b"\r\n\r\nhello",
    "a million headers": lambda: HEAD + b"X: y\r\n" * 1_000_000 + b"\r\nhello",
    "a header folded a million times": lambda: HEAD + b"X: y\r\n" + b" z\r\n" * 1_000_000 + b"\r\nhello",
    "a hundred thousand parts": lambda: HEAD
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nhello\r\n" * 100_000,
    "boundaries that are none": lambda: HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n" + b"--bx" * 2_000_000,
    "parameters": lambda: HEAD + b"Content-Type: text/plain" + b'; a*0*="\\' * 100_000 + b"\r\n\r\nhello",
    "references": lambda: HEAD + b"References: " + b" ".join(b"<%d@b.example>" % n for n in range(100_000)) + b"\r\n\r\nhello",
    "open quotes and brackets in addresses": lambda: HEAD + b"Cc: " + b'"(<\\"' * 200_000 + b"\r\n\r\nhello",
    "open comments in addresses": lambda: HEAD + b"Cc: " + b"(" * 500_000 + b"a@b.example" + b")" * 10 + b"\r\n\r\nhello",
    "a domain of a million letters": lambda: HEAD + b"Cc: a@" + "ü".encode() * 500_000 + b"\r\n\r\nhello",
    "base64 that is none": lambda: HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"hello?!=" * 1_000_000,
    "uuencode": lambda: HEAD + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n" + b"M" * 5_000_000,
    "slow charset": lambda: HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\nhello" + b"a-b" * 500_000,
    "utf-7": lambda: HEAD + b"Content-Type: text/plain; charset=utf-7\r\n\r\nhello +2AA-" + b"+AGE-" * 500_000,
    "bounce with a long tail": lambda: HEAD.replace(b"a@b", b"mailer-daemon@b").replace(b"bomb\r", b"Undelivered\r")
    + b"\r\nhello\r\n" + b"user unknown a@b.example 550 -- " * 100_000,
    "authentication results": lambda: HEAD + b"Authentication-Results: mx.test" + b"; spf=pass (((" * 200_000 + b"\r\n\r\nhello",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_becomes_a_message(name: str) -> None:
    raw = BOMBS[name]()
    begun = time.process_time()
    message = parse_mail(raw, Context(authserv_id="mx.test"))
    spent = time.process_time() - begun
    assert spent < 5, f"{spent:.1f} s"
    assert message.subject or "encoded" in name or "headers" in name
    assert len(message.parties) <= MAX_PARTIES + 1
    assert message.text or message.unreadable or message.media or message.html
    assert len(message.text) <= 2_000_000
    assert len(message.html) <= 2_000_000
    assert "\0" not in message.text
    message.text.encode()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="measures the memory of a child")
@pytest.mark.parametrize(
    "name", ["thirty levels around 20 MB", "a line of 20 MB", "three million lines", "a header of 20 MB"]
)
def test_a_bomb_fits_in_512_megabytes(name: str) -> None:
    raw = BOMBS[name]()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        status = 1
        try:
            with open("/proc/self/statm") as statm:
                used = int(statm.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 512 * 1024 * 1024, resource.RLIM_INFINITY))
            status = 0 if not parse_mail(raw).unreadable else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\n", b"\r\n\r\n", b"\0", b"\0" * 1000, b"no headers at all", b":", b": :\n:", b"\xff\xfe" * 100,
        b"Subject", b"Subject:", b"From: \0\r\n\r\n\0", b"Content-Type: multipart/mixed\r\n\r\nbody",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\nbody", b"Content-Type: /\r\n\r\nbody",
        b"Content-Type: text/plain; charset=\r\n\r\nb\xe4dy", b"Content-Type: text/plain; charset=\xff\r\n\r\nbody",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b", b"Date: 99 Foo 99999999 99:99:99 +9999\r\n\r\nx",
        b"Date: " + b"9" * 400 + b"\r\n\r\nx", b"Message-ID: " + b"<" * 3000 + b"\r\n\r\nx",
        b"To: @@@@,,,;;;:::<<<>>>((()))\r\n\r\nx", b"Subject: =?utf-8?b?====?= =?x?q?=?= =?idna?q?x?=\r\n\r\nx",
        b"From x\nFrom: a@b.example\n\nmbox", b"From: a@b.example\rSubject: old mac\r\rtext",
    ],
)  # fmt: skip
def test_broken_mails_are_visible(raw: bytes) -> None:
    message = parse_mail(raw, Context(received_at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert isinstance(message, MessageReceived)
    assert message.external_id
    assert message.own_thread_key == "mid:" + message.external_id
    assert message.at.tzinfo is not None


def test_what_has_no_headers_is_kept_and_says_so() -> None:
    message = parse_mail(b"just some words\r\nand more\r\n")
    assert message.text.startswith("just some words")
    assert message.unreadable
    assert parse_mail(b"").unreadable
    assert parse_mail(b"").external_id.startswith("sha256:")


def test_a_failure_inside_still_gives_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(raw: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr(sys.modules["kith.connectors.email.parse"], "parse_message", broken)
    message = parse_mail(HEAD + b"\r\nhello")
    assert "RecursionError" in message.unreadable
    assert message.text.endswith("hello")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes(raw: bytes) -> None:
    assert parse_mail(raw).external_id


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"From", b"To", b"Subject", b"Content-Type", b"Date", b"References", b"Message-ID", b"List-Id",
                             b"Content-Transfer-Encoding", b"Authentication-Results", b"Return-Path"]),
            st.binary(max_size=120).map(lambda b: b.replace(b"\n", b" ")),
        ),
        max_size=12,
    ),
    st.binary(max_size=400),
)  # fmt: skip
def test_any_headers(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    raw = b"".join(name + b": " + value + b"\n" for name, value in headers) + b"\n" + body
    message = parse_mail(raw, Context(authserv_id="mx.test"))
    assert "TypeError" not in message.unreadable
    assert "could not be read" not in message.unreadable
    message.subject.encode()
    assert "\n" not in message.subject
